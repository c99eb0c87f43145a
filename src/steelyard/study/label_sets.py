"""What is said of rows with several labels: how many they have, and which come together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.study.outcome import StudyOutcome

if TYPE_CHECKING:
    import polars as pl

#: Pairs of labels that are listed.
MOST_PAIRS = 15


def label_lists(codes: NDArray[Any], names: Sequence[str]) -> pl.Series:
    """A list column with the names of the labels that each row has (entries equal to 1).

    Examples
    --------
    >>> label_lists(np.array([[1, 1], [0, 0], [0, 1]]), ["joy", "love"]).to_list()
    [['joy', 'love'], [], ['love']]
    """
    import polars as pl

    rows, labels = np.nonzero(codes == 1)
    pairs = pl.DataFrame(
        {"row": rows, "name": pl.Series(list(names)).gather(labels)}, schema_overrides={"row": pl.Int64}
    )
    found = pairs.group_by("row", maintain_order=True).agg("name")
    every = pl.DataFrame({"row": np.arange(len(codes))}, schema_overrides={"row": pl.Int64})
    return every.join(found, on="row", how="left", maintain_order="left")["name"].fill_null([])


def labels_record(outcome: StudyOutcome) -> dict[str, Any]:
    """The part ``labels`` of ``study.json``.

    Returns
    -------
    dict
        ``cardinality`` (mean number of labels of a row; unknown entries count as none), ``rows_by_number`` (rows with
        0, 1, 2, ... labels), ``unknown`` (share of entries of which nothing is known), and ``pairs``: the labels that
        come together most often, with the scored rows that have both, and to which the winner and the baseline
        give both (mean over repeats); and ``thresholds``, where the winner cuts the probability of each label.
    """
    codes, scored = outcome.data.codes, outcome.scored.codes
    names = [str(name) for name in outcome.data.classes]
    numbers = (codes == 1).sum(axis=1)
    together = _joint(scored == 1)
    given = {
        key: np.mean([_joint(p == 1) for p in outcome.arms[place].predictions.predicted], axis=0)
        for key, place in (("winner", outcome.winner.index), ("baseline", outcome.scores.baseline))
    }
    first, second = np.triu_indices(len(names), k=1)
    order = np.argsort(-together[first, second], kind="stable")[:MOST_PAIRS]
    pairs = [
        {
            "labels": [names[a], names[b]],
            "rows": int(together[a, b]),
            **{key: round(float(counts[a, b]), 3) for key, counts in given.items()},
        }
        for a, b in zip(first[order], second[order], strict=True)
        if together[a, b]
    ]
    return {
        "cardinality": float(numbers.mean()),
        "rows_by_number": np.bincount(numbers).tolist(),
        "unknown": float(np.isnan(codes).mean()),
        "pairs": pairs,
        "thresholds": _thresholds(outcome, names),
    }


def _thresholds(outcome: StudyOutcome, names: Sequence[str]) -> list[dict[str, Any]]:
    """Cut of each label in the winner's final rule, labels with most rows first; none where it has no cuts."""
    cuts = outcome.best.decision.params().get("cuts", ())
    if len(cuts) != len(names):
        return []
    counts = outcome.class_counts
    order = np.argsort(-counts, kind="stable").tolist()
    return [{"name": names[k], "count": int(counts[k]), "winner": float(cuts[k])} for k in order]


def _joint(has: NDArray[np.bool_]) -> NDArray[np.float64]:
    table = has.astype(np.float32)
    joint: NDArray[np.float64] = (table.T @ table).astype(np.float64)
    return joint
