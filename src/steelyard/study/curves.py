"""What a page needs beyond scores: curves of the rarest classes, reliability, and net benefit.

Of the winner and of doing nothing, from their out-of-fold probabilities; all repeats together. Points are thinned to
what an eye can tell apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.study.assess import rarer_class
from steelyard.study.outcome import StudyOutcome

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Classes whose curves are drawn, and the rows from which a curve is more than a few steps.
MOST_CLASSES, ENOUGH_ROWS = 3, 10
#: Points of a curve, bins of a reliability diagram, cuts of a decision curve.
MOST_POINTS, BINS, CUTS = 60, 10, 49


def curves_record(outcome: StudyOutcome) -> dict[str, Any]:
    """The part of ``study.json`` that the report draws curves from.

    Returns
    -------
    dict
        ``classes``: for each of the rarest scored classes its ``name``, ``support``, and for ``winner`` and
        ``baseline`` the points of ``precision_recall`` (recall, precision) and ``roc`` (false and true positive rate),
        ``average_precision`` and ``roc_auc``; ``reliability`` by arm; for two classes ``net_benefit``.
    """
    if outcome.data.codes.ndim != 1:
        return {}
    arms = {"winner": outcome.winner.index, "baseline": outcome.scores.baseline}
    codes = np.tile(outcome.scored.codes, len(outcome.scored.folds))
    n_classes = outcome.data.n_classes
    proba = {key: outcome.arms[index].predictions.proba.reshape(-1, n_classes) for key, index in arms.items()}
    names = [str(name) for name in outcome.data.classes]
    positive = rarer_class(outcome.data.codes, n_classes) if n_classes == 2 else None
    record: dict[str, Any] = {
        "classes": [
            {
                "name": names[k],
                "support": int(outcome.scored_counts[k]),
                **{key: class_curves(codes == k, values[:, k]) for key, values in proba.items()},
            }
            for k in rarest_classes(outcome.scored_counts)
        ],
        "reliability": {key: reliability(codes, values, positive) for key, values in proba.items()},
    }
    if positive is not None:
        # Closer together where the cuts for rare classes lie.
        cuts = np.r_[np.linspace(0.002, 0.05, CUTS // 4), np.linspace(0.07, 0.97, CUTS - CUTS // 4)]
        hits = codes == positive
        record["net_benefit"] = {
            "class": names[positive],
            "threshold": _rounded(cuts),
            "all": _rounded(net_benefit(hits, np.ones(len(hits)), cuts)),
            **{key: _rounded(net_benefit(hits, values[:, positive], cuts)) for key, values in proba.items()},
        }
    return record


def rarest_classes(counts: Codes) -> list[int]:
    """Rarest scored classes with enough rows for a curve; for two classes the rarer one.

    Examples
    --------
    >>> rarest_classes(np.array([500, 2, 30, 12, 80, 0]))
    [3, 2, 4]
    """
    order = [int(k) for k in np.argsort(counts, kind="stable") if counts[k] > 0]
    known = order[:-1] if len(order) > 1 else order
    enough = [k for k in known if counts[k] >= ENOUGH_ROWS]
    # Where every rare class has a handful of rows, those with most of them say most.
    return enough[:MOST_CLASSES] or known[-MOST_CLASSES:]


def class_curves(hits: NDArray[np.bool_], score: Array) -> dict[str, Any]:
    """Precision-recall and ROC curve of one class against the rest.

    Parameters
    ----------
    hits : ndarray of bool, shape (n_rows,)
        Whether a row is of the class.
    score : ndarray of shape (n_rows,)
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.r_[np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1]
    true = np.cumsum(hits[order])[ends].astype(np.float64)
    alarms = ends + 1.0
    positives, negatives = float(hits.sum()), float((~hits).sum())
    recall, precision = true / positives, true / alarms
    false_rate = (alarms - true) / max(negatives, 1.0)
    steps = np.diff(np.r_[0.0, recall])
    return {
        "precision_recall": thinned(np.column_stack([recall, precision])[steps > 0]),
        "roc": thinned(np.vstack([[0.0, 0.0], np.column_stack([false_rate, recall])])),
        "average_precision": float(steps @ precision),
        "roc_auc": float(np.trapezoid(np.r_[0.0, recall], np.r_[0.0, false_rate])),
    }


def thinned(points: Array, most: int = MOST_POINTS) -> list[list[float]]:
    """Points of a curve, evenly along its length; the ends stay.

    Examples
    --------
    >>> thinned(np.array([[0.0, 0.0], [0.001, 0.0], [0.5, 0.5], [1.0, 1.0]]), most=3)
    [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]
    """
    if len(points) > most:
        along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
        wanted = np.linspace(0.0, along[-1], most)
        points = points[np.unique(np.r_[0, np.searchsorted(along, wanted).clip(0, len(points) - 1), len(points) - 1])]
    return [_rounded(point) for point in points]


def reliability(codes: Codes, proba: Array, positive: int | None) -> dict[str, Any]:
    """How often what was given a probability came true, in bins of equal width.

    Of two classes the probability of the positive one is looked at, of more that of the likeliest class of each row.

    Returns
    -------
    dict
        ``predicted``, ``observed`` and ``rows`` of each bin that has rows, and ``error``: the mean distance of the two,
        by rows (expected calibration error).
    """
    if positive is None:
        confidence, right = proba.max(axis=1), proba.argmax(axis=1) == codes
    else:
        confidence, right = proba[:, positive], codes == positive
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    used = rows > 0
    predicted = np.bincount(place, confidence, minlength=BINS)[used] / rows[used]
    observed = np.bincount(place, right, minlength=BINS)[used] / rows[used]
    return {
        "predicted": _rounded(predicted),
        "observed": _rounded(observed),
        "rows": rows[used].tolist(),
        "error": float(np.average(np.abs(predicted - observed), weights=rows[used])),
    }


def net_benefit(hits: NDArray[np.bool_], score: Array, cuts: Array) -> Array:
    """Net benefit of acting on every row scored at or above a cut (Vickers and Elkin 2006, equation 1).

    Hits per row, less false alarms per row at the price of ``cut / (1 - cut)`` hits each.

    Examples
    --------
    >>> net_benefit(np.array([True, False]), np.array([0.9, 0.6]), np.array([0.5, 0.75])).tolist()
    [0.0, 0.5]
    """
    order = np.sort(score)
    own = np.sort(score[hits])
    alarms = len(order) - np.searchsorted(order, cuts, side="left")
    true = len(own) - np.searchsorted(own, cuts, side="left")
    benefit: Array = (true - (alarms - true) * cuts / (1 - cuts)) / len(order)
    return benefit


def _rounded(values: Array) -> list[float]:
    return [round(float(value), 4) for value in values]
