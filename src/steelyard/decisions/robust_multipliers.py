"""Class multipliers that are tuned on many reweightings of the rows, and kept near what theory asks for."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._base import (
    Array,
    Codes,
    Decision,
    FittedDecision,
    cheapest,
    check_codes,
    check_proba,
    count_metric,
    metric_text,
    study_metric,
    two_columns,
)
from steelyard.decisions._reweighted import WeightedRows, ascend_rows
from steelyard.decisions.multipliers import FittedMultipliers
from steelyard.errors import UsageError
from steelyard.metrics import CountMetric, Metric

_FLOOR = 1e-9
_TEMPERS = np.linspace(0.0, 1.25, 11)
_PASSES = 3
#: Rows of a class at which its multiplier is half the tuned one and half the reference's.
_HALF, _HALF_BALANCED = 10.0, 40.0
#: Rounds of moving weight to the class with the lowest recall.
_ROUNDS = 60
#: Cuts between two classes that are looked at, and how widely the metric is smoothed over them for a single row.
_LOG_ODDS = np.linspace(-10.0, 10.0, 201)
_BANDWIDTH = 1.5


@component
class RobustMultipliers(Decision):
    """Multipliers per class, tuned for a metric so that the gain lasts on new rows.

    An exact search follows the rows it sees too closely. Here it is done on several random reweightings of the rows
    (the Bayesian bootstrap), the median is taken, and each class is moved back by how few rows it has:

    * ``balanced_accuracy``: from, and back towards, one over the class shares, which is right for good
      probabilities; half way at 40 rows;
    * ``min_recall``: weight goes step by step to the class with the lowest (smoothed) recall;
    * any other metric of predictions of two classes: the cut where the metric is best in the mean over nearby cuts,
      the nearer the more rows the rarer class has;
    * of more classes: from, and back towards, the best power of one over the class shares; half way at 10 rows.

    Parameters
    ----------
    metric : str or Metric, optional
        Metric of predictions. None takes the study's, and macro_f1 outside a study.
    rounds : int, default 8
        Number of reweightings.

    Raises
    ------
    UsageError
        When the metric is one of probabilities, or there is no round.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [90, 10])
    >>> p = np.clip(0.1 + 0.3 * y + 0.1 * rng.normal(size=100), 0.01, 0.99)
    >>> rule = RobustMultipliers("balanced_accuracy").fit(np.column_stack([1 - p, p]), y)
    >>> int(rule.predict(np.column_stack([1 - p, p])).sum()) > int((p > 0.5).sum())
    True
    """

    metric: str | None = None
    rounds: int = 8

    name = "robust_multipliers"
    fitted: ClassVar[type[FittedDecision]] = FittedMultipliers

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metric_text(self.metric, "robust_multipliers"))
        if self.rounds < 1:
            raise UsageError(f"robust_multipliers: rounds must be a positive whole number, not {self.rounds!r}")

    def fit(
        self, proba: Array, y: Any, *, positive: int | None = None, sample_weight: Array | None = None
    ) -> FittedMultipliers:
        """Multipliers tuned on probabilities of rows of known class.

        Parameters
        ----------
        proba : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        y : ndarray of int, shape (n_samples,)
            Class codes in ``range(n_classes)``.
        positive : int, optional
            Not used: classes are told apart by their codes.
        sample_weight : ndarray of shape (n_samples,), optional
            How many rows each stands for.

        Returns
        -------
        FittedMultipliers

        Raises
        ------
        UsageError
            On multi-label targets, where ``threshold`` is the rule, or shapes that do not fit.
        DataError
            When a probability is NaN or outside [0, 1].
        """
        if np.ndim(y) == 2:
            raise UsageError("robust_multipliers are for one label per row; for multi-label use threshold")
        proba = two_columns(check_proba(proba))
        codes = check_codes(y, len(proba), proba.shape[1])
        weight = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        counts = np.bincount(codes, weights=weight, minlength=proba.shape[1]).astype(np.float64)
        if (counts > 0).sum() < 2:
            note = "rows of fewer than two classes, so there is nothing to tune: all multipliers stay at 1"
            return FittedMultipliers(log_multipliers=(0.0,) * proba.shape[1], notes=(note,))
        metric = count_metric(self.metric or "macro_f1")
        rows = WeightedRows(np.log(np.maximum(proba, _FLOOR)), codes, weight, metric)
        found = _strengthen_weakest(rows, counts) if metric.name == "min_recall" else self._tuned(rows, counts)
        return FittedMultipliers(log_multipliers=tuple((found - found.mean()).tolist()))

    def _tuned(self, rows: WeightedRows, counts: Array) -> Array:
        to_prior = -np.log(np.maximum(counts, 1e-3) / counts.sum())
        balanced = rows.metric.name == "balanced_accuracy"
        if len(counts) == 2 and not balanced:
            return _smooth_cut(rows, counts)
        reference = to_prior if balanced else _power(rows, to_prior) * to_prior
        rng = np.random.default_rng(0)
        order = _order(counts)
        tuned = []
        for _ in range(self.rounds):
            drawn = rows.weight * rng.exponential(size=len(rows.codes))
            again = WeightedRows(rows.logs, rows.codes, drawn, rows.metric)
            found = ascend_rows(again, reference, order, _PASSES)
            tuned.append(found - found.mean())
        kept = counts / (counts + (_HALF_BALANCED if balanced else _HALF))
        reference = reference - reference.mean()
        moved: Array = reference + kept * (np.median(tuned, axis=0) - reference)
        return moved

    def for_study(self, *, n_classes: int, metric: Metric, multilabel: bool = False) -> Decision:
        """Rule for the study's metric, the cheapest label where that is a cost.

        Raises
        ------
        UsageError
            Where rows may have several labels, each with a cut of its own.
        """
        if multilabel:
            raise UsageError("robust_multipliers are for one label per row; where rows have several use threshold")
        rule = cheapest(metric) if self.metric is None else None
        return rule or self.replace(metric=self.metric or study_metric(metric))


def _smooth_cut(rows: WeightedRows, counts: Array) -> Array:
    """Multipliers for the cut between two classes where the metric is best in the mean over nearby cuts.

    The metric as a function of the cut is jagged by single rows, and its highest jag seldom is where new rows have it.
    It is smoothed by a normal curve over the log-odds, as wide as kernels of density estimates are for so many rows.
    """
    values = np.array([rows.value(np.array([0.0, -cut])) for cut in _LOG_ODDS])
    width = _BANDWIDTH * max(float(counts.min()), 1.0) ** -0.2
    weights = np.exp(-0.5 * ((_LOG_ODDS[:, None] - _LOG_ODDS) / width) ** 2)
    smooth = (weights @ values) / weights.sum(axis=1)
    return np.array([0.0, -_LOG_ODDS[smooth.argmax()]])


def _order(counts: Array) -> list[int]:
    """Classes to tune, rarest first; of two only one, because only their ratio matters."""
    order = [int(k) for k in np.argsort(counts, kind="stable") if counts[k] > 1]
    return order[:1] if len(counts) == 2 else order


def _power(rows: WeightedRows, to_prior: Array) -> float:
    """Best power of one over the class shares, by values smoothed over neighbouring powers."""
    values = np.array([rows.value(power * to_prior) for power in _TEMPERS])
    smooth = np.convolve(np.pad(values, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    return float(_TEMPERS[smooth.argmax()])


def _strengthen_weakest(rows: WeightedRows, counts: Array) -> Array:
    """Multipliers that make the lowest recall high: exponentiated steps towards the classes below the mean."""
    n_classes = len(counts)
    present = counts > 0
    current: Array = -np.log(np.maximum(counts, 1e-3) / counts.sum())
    best, kept = -1.0, current.copy()
    for step in range(_ROUNDS):
        predicted: Codes = (rows.logs + current).argmax(axis=1)
        right = predicted == rows.codes
        hits = np.bincount(rows.codes[right], weights=rows.weight[right], minlength=n_classes)
        # One row each way keeps a class of three rows from swinging between 0 and 1.
        recall = (hits + 1.0) / (counts + 2.0)
        lowest = float(recall[present].min())
        if lowest > best:
            best, kept = lowest, current.copy()
        current = current - 3.0 / np.sqrt(step + 4.0) * np.where(present, recall - recall[present].mean(), 0.0)
    return kept


def decision_metric(metric: Metric) -> CountMetric:
    """Metric that a rule is tuned for where this one is asked for: itself, or macro_f1 for one of probabilities."""
    return count_metric(study_metric(metric))
