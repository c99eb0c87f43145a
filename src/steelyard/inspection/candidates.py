"""Columns that look like the one to predict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steelyard.counts import LabelCounts, count_labels
from steelyard.labels import EncodedLabels, regression_reason

if TYPE_CHECKING:
    import polars as pl

#: A column with more different values than this is not offered.
MOST_CLASSES = 200
_TELLING = re.compile(
    r"(?i)(^|[_\W])(target|label|labels|class|classes|y|category|outcome|diagnosis|response|species|type|status|tag)"
    r"([_\W]|$)"
)


@dataclass(frozen=True)
class Candidate:
    """A column, and what speaks for it.

    Attributes
    ----------
    column : str
    classes : int
        Different values.
    missing : int
        Rows without one.
    imbalance_ratio : float
        Largest count over the smallest.
    examples : tuple of str
        The commonest values, up to three.
    """

    column: str
    classes: int
    missing: int
    imbalance_ratio: float
    examples: tuple[str, ...]


def target_candidates(frame: pl.DataFrame, most: int = 8) -> tuple[Candidate, ...]:
    """Columns with a handful of values that could be classes, the likeliest first.

    A telling name (label, class, target ...) speaks for a column, and so do being the last one and texts that are no
    numbers; a different value on most rows, one value only, and what reads like a quantity speak against it.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"id": ["1", "2", "3", "4"], "x": ["a", "b", "a", "b"], "class": ["u", "v", "v", "v"]})
    >>> [candidate.column for candidate in target_candidates(frame)]
    ['class', 'x']
    """
    found = []
    for position, name in enumerate(frame.columns):
        column = frame[name]
        if column.dtype.is_nested() or column.dtype.is_float():
            continue
        different = column.drop_nulls().n_unique()
        if not 2 <= different <= min(MOST_CLASSES, max(2, frame.height // 2)):
            continue
        counts = count_labels(column)
        if quantity_reason(counts):
            continue
        ordered = sorted(counts.as_dict().items(), key=lambda item: -item[1])
        text = not all(str(value).lstrip("+-").replace(".", "", 1).isdigit() for value, _ in ordered)
        points = 4 * bool(_TELLING.search(name)) + 2 * (position == frame.width - 1) + text - (different > 30)
        examples = tuple(" ".join(str(value).split()) for value, _ in ordered[:3])
        candidate = Candidate(name, different, column.null_count(), counts.imbalance_ratio, examples)
        found.append((-points, position, candidate))
    return tuple(candidate for _, _, candidate in sorted(found, key=lambda item: item[:2])[:most])


def quantity_reason(counts: LabelCounts) -> str | None:
    """Why counted labels look like a quantity and not like classes; None where they do not.

    Examples
    --------
    >>> quantity_reason(count_labels(range(60)))
    '60 different numbers in 60 rows'
    """
    if counts.counts.dtype.kind != "i":
        return None
    return regression_reason(EncodedLabels(np.repeat(np.arange(len(counts)), counts.counts), counts.classes))
