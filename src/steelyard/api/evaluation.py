"""Rows set apart: the winner and doing nothing, trained on everything else, judged on them once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.api.label_sets import balanced_label_sets, known_label_sets
from steelyard.api.prepare import RawTable
from steelyard.artifact import TrainedModel
from steelyard.data import duplicate_groups
from steelyard.engine import EngineData
from steelyard.errors import DataError, UsageError
from steelyard.features import TableMatrix
from steelyard.labels import LabelSets, encode_labels, entity_counts
from steelyard.metrics import Metric
from steelyard.study import Predictions, entity_scores, judging_of, score_pair, sentences_of

if TYPE_CHECKING:
    import polars as pl


def set_apart(table: RawTable, per_class: int, seed: int) -> tuple[RawTable, RawTable]:
    """Table without, and table of, ``per_class`` random rows of each class.

    Rows whose features no other row has are taken first, so that as few as can be are known to the study.

    Raises
    ------
    DataError
        When a class would be left with fewer than two rows.
    UsageError
        When rows are grouped: a group must not be torn apart.
    """
    # Copies of a file are groups too, but most files have none, and those can be set apart.
    if table.groups is not None and table.media is None:
        raise UsageError(
            "--holdout cannot be used with --group: set whole groups apart yourself and give them as --test"
        )
    rng = np.random.default_rng([seed, 0x1101D])
    group = duplicate_groups(table.features.drop(table.media.file_columns if table.media else ()))
    repeated = np.bincount(group)[group] > 1
    if table.multilabel:
        chosen = balanced_label_sets(table.labels, per_class, repeated, rng)
        return _rows(table, ~chosen), _rows(table, chosen)
    encoded = encode_labels(table.labels)
    alone = np.ones(len(encoded.codes), dtype=bool)
    if table.groups is not None:
        given = encode_labels(table.groups).codes
        alone = np.bincount(given)[given] == 1
    chosen = np.zeros(len(encoded.codes), dtype=bool)
    for code, name in enumerate(encoded.classes):
        rows = np.flatnonzero((encoded.codes == code) & alone)
        if len(rows) < per_class + 2:
            raise DataError(
                f"class {str(name)!r} has {len(rows)} rows: too few to set {per_class} apart and study the rest; "
                "ask for fewer, or leave the class out"
            )
        shuffled = rng.permutation(rows)
        chosen[shuffled[np.argsort(repeated[shuffled], kind="stable")][:per_class]] = True
    return _rows(table, ~chosen), _rows(table, chosen)


def _rows(table: RawTable, mask: NDArray[np.bool_]) -> RawTable:
    def kept(values: Any) -> Any:
        if isinstance(values, LabelSets):
            return replace(values, codes=values.codes[mask])
        return None if values is None else [value for value, keep in zip(values, mask, strict=True) if keep]

    return replace(
        table,
        features=table.features.filter(mask),
        labels=kept(table.labels),
        groups=kept(table.groups),
        folds=kept(table.folds),
        ids=kept(table.ids),
    )


def evaluation_record(
    table: RawTable, winner: TrainedModel, baseline: TrainedModel, data: EngineData, metric: Metric
) -> dict[str, Any]:
    """What ``study.json`` says of the rows set apart.

    Parameters
    ----------
    table : RawTable
        Rows with labels; those without are left out.
    winner, baseline : TrainedModel
        Trained on other rows.
    data : EngineData
        The rows they were trained on.
    metric : Metric

    Raises
    ------
    DataError
        When no row has a label, or a label is none of the classes; it is named.
    """
    known, codes = known_labels(table, winner.classes, winner.multilabel)
    features = table.features.filter(known)
    arms = [_predictions(model, table.features, known) for model in (winner, baseline)]
    scores = score_pair(metric, codes, arms[0], arms[1], data.seed)
    judging, n_classes = judging_of(codes), len(winner.classes)
    entities = {}
    if table.tokens is not None:
        names = [str(name) for name in winner.classes]
        lengths = np.bincount(table.tokens.sentence[known], minlength=len(table.tokens.lengths))
        truth = sentences_of([names[code] for code in codes], lengths)
        tags = [sentences_of([names[k] for k in arm.predicted[0]], lengths) for arm in arms]
        counts = [entity_counts(truth, predicted) for predicted in tags]
        entities["entities"] = {
            "winner": entity_scores(counts[0], counts[1], data.seed),
            "baseline": entity_scores(counts[1], counts[1], data.seed),
        }
    return {
        **entities,
        "path": table.path,
        "rows": len(codes),
        "seen_rows": seen_rows(data.matrix, data.schema.extract(features)),
        "winner": {
            **scores["first"],
            "metrics": judging.evaluate(codes, arms[0].proba[0], arms[0].predicted[0], n_classes),
        },
        "baseline": {
            **scores["second"],
            "metrics": judging.evaluate(codes, arms[1].proba[0], arms[1].predicted[0], n_classes),
        },
        "delta": scores["delta"],
        "delta_ci": scores["delta_ci"],
    }


def known_labels(
    table: RawTable, classes: tuple[Any, ...], multilabel: bool = False
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Which rows of a table have a label, and the codes of those labels.

    Raises
    ------
    DataError
        When no row has one, or a label is none of the classes; it is named.
    """
    if multilabel:
        return known_label_sets(table.labels, classes, table.path)
    if table.multilabel:
        raise DataError(f"{table.path} has several labels a row, and the study one; give one column of labels")
    names = {str(name): code for code, name in enumerate(classes)}
    found = encode_labels(table.labels)
    unknown = [str(label) for label in found.classes if str(label) not in names]
    if unknown:
        raise DataError(
            f"{table.path} holds the label {unknown[0]!r}, which is no class of the study: {', '.join(names)}"
        )
    known = found.codes >= 0
    if not known.any():
        raise DataError(f"{table.path} holds no label")
    translate = np.array([names[str(label)] for label in found.classes], dtype=np.int64)
    return known, translate[found.codes[known]]


def seen_rows(studied: TableMatrix, others: TableMatrix) -> int:
    """How many of the other rows have the features of a studied row to the last bit: a leak, if not a coincidence."""
    bits = [
        np.hstack([matrix.numeric.view(np.int64), matrix.codes.astype(np.int64), _text_bits(matrix)])
        for matrix in (studied, others)
    ]
    if not bits[0].shape[1]:
        return 0
    rows = [np.ascontiguousarray(part).view(np.dtype((np.void, part.shape[1] * 8))).ravel() for part in bits]
    return int(np.isin(rows[1], rows[0]).sum())


def _text_bits(matrix: TableMatrix) -> NDArray[np.int64]:
    """A number for each way of counting each row's text: rows that share it have the same counts, all but surely."""
    made = np.empty((len(matrix), len(matrix.text)))
    for place, counts in enumerate(matrix.text):
        made[:, place] = counts @ np.random.default_rng(place).random(counts.shape[1])
    return made.view(np.int64)


def _predictions(model: TrainedModel, features: pl.DataFrame, known: NDArray[np.bool_]) -> Predictions:
    # Rows without a label are left out afterwards, for a token without a tag stands in a sentence with others.
    proba = model.predict_proba(features)[known]
    return Predictions(model.decision.predict(proba)[None], proba[None])
