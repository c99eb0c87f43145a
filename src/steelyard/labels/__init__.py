"""Labels as they come, turned into checked arrays: class codes, multi-label matrices, tag sequences.

A label keeps the type it has: the texts ``007``, ``NA`` and ``1.0`` stay texts, 1.0 a float, True a bool.
Only None, NaN, ``pandas.NA``, ``NaT`` and polars nulls are missing. What a shape means is never guessed: one
dimension holds one label a row, two are a multi-label matrix, a list of lists is a list of tag sequences.
"""

from __future__ import annotations

from steelyard.labels._encode import EncodedLabels, encode_labels, integer_counts
from steelyard.labels._entities import entities_of, entity_counts, entity_f1, repair_tags
from steelyard.labels._label_sets import LabelSets, check_separable, encode_label_sets, holds_label_sets
from steelyard.labels._multilabel import as_multilabel, is_matrix, label_names
from steelyard.labels._regression import regression_reason
from steelyard.labels._sequences import flatten, is_nested
from steelyard.labels._tally import tally_labels
from steelyard.labels._values import as_classes, is_missing, native, sort_labels

__all__ = [
    "EncodedLabels",
    "LabelSets",
    "as_classes",
    "as_multilabel",
    "check_separable",
    "encode_label_sets",
    "encode_labels",
    "entities_of",
    "entity_counts",
    "entity_f1",
    "flatten",
    "holds_label_sets",
    "integer_counts",
    "is_matrix",
    "is_missing",
    "is_nested",
    "label_names",
    "native",
    "regression_reason",
    "repair_tags",
    "sort_labels",
    "tally_labels",
]
