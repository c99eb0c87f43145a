"""Tuned class multipliers: the threshold of more than two classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._ascent import Problem, ascend
from steelyard.decisions._base import (
    Array,
    Codes,
    Decision,
    FittedDecision,
    cheapest,
    check_codes,
    check_columns,
    check_proba,
    count_metric,
    highest,
    metric_text,
    study_metric,
    two_columns,
)
from steelyard.errors import UsageError
from steelyard.metrics import Metric

_FLOOR = 1e-12
_TEMPERS = np.linspace(0.0, 1.25, 11)
# Rows of a class at which its multiplier is half the tuned one and half the reference's under the guard.
_HALF = 10.0
_FEW = 20
# Rows on which the first ascents are made where there are at least twice as many.
_ROUGH = 32768


@dataclass(frozen=True, kw_only=True)
class FittedMultipliers(FittedDecision):
    """The class with the highest probability times multiplier.

    Parameters
    ----------
    log_multipliers : tuple of float
        Natural logarithms, one per class.
    """

    log_multipliers: tuple[float, ...]
    state_name: ClassVar[str] = "multipliers.v1"

    def predict(self, proba: Array) -> Codes:
        """Class codes; the lowest code where classes tie."""
        proba = check_columns(two_columns(check_proba(proba)), len(self.log_multipliers))
        return highest(_log(proba) + np.array(self.log_multipliers))

    def params(self) -> dict[str, Any]:
        """The logarithms."""
        return {"log_multipliers": list(self.log_multipliers)}

    @classmethod
    def from_params(cls, params: Mapping[str, Any], notes: tuple[str, ...]) -> FittedMultipliers:
        """Rule from its state."""
        return cls(log_multipliers=tuple(float(value) for value in params["log_multipliers"]), notes=notes)


@component
class Multipliers(Decision):
    """Multiplies each class's probability by a number tuned for a metric, then takes the highest.

    The numbers are found by coordinate ascent with exact line searches, from no multipliers (argmax) and from
    the best power of one over the class shares (power 1 is what balanced accuracy asks for). The result is
    never worse on the rows it was fitted on than any of the starts. A class with no row or one is not tuned:
    it keeps the multiplier of its start. Where a study's metric is one of probabilities it tunes macro_f1.

    Parameters
    ----------
    metric : str or Metric, optional
        Metric of predictions. None takes the study's, and macro_f1 outside a study.
    guard : {"auto", None}
        With ``"auto"`` the logarithm of each class's multiplier is moved towards the best power of one over
        the class shares, which has a single tuned number: a class with n rows keeps ``n / (n + 10)`` of its
        distance. A note counts the classes under 20 rows. None keeps the tuned multipliers.

    Raises
    ------
    UsageError
        When the metric is one of probabilities, or the guard is unknown.

    Examples
    --------
    >>> proba = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.5, 0.1, 0.4]])
    >>> y = np.array([0, 0, 1, 2])
    >>> proba.argmax(axis=1).tolist(), Multipliers(guard=None).fit(proba, y).predict(proba).tolist()
    ([0, 0, 0, 0], [0, 0, 1, 2])
    """

    metric: str | None = None
    guard: str | None = "auto"

    name = "multipliers"
    fitted: ClassVar[type[FittedDecision]] = FittedMultipliers

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metric_text(self.metric, "multipliers"))
        if self.guard not in ("auto", None):
            raise UsageError(f"multipliers: guard must be auto or none, not {self.guard!r}")

    def fit(self, proba: Array, y: Any, *, positive: int | None = None) -> FittedMultipliers:
        """Multipliers tuned on probabilities of rows of known class.

        Parameters
        ----------
        proba : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            Probabilities; values under 1e-12 are taken as that.
        y : ndarray of int, shape (n_samples,)
            Class codes in ``range(n_classes)``.
        positive : int, optional
            Not used: classes are told apart by their codes.

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
            raise UsageError("multipliers are for one label per row; for multi-label use threshold")
        proba = two_columns(check_proba(proba))
        n_classes = proba.shape[1]
        codes = check_codes(y, len(proba), n_classes)
        counts = np.bincount(codes, minlength=n_classes)
        if (counts > 0).sum() < 2:
            note = "rows of fewer than two classes, so there is nothing to tune: all multipliers stay at 1"
            return FittedMultipliers(log_multipliers=(0.0,) * n_classes, notes=(note,))
        problem = Problem(_log(proba), codes, count_metric(self.metric or "macro_f1"))
        order = _order(counts, proba)
        to_prior = -np.log(np.maximum(counts, 1) / counts.sum())
        reference = max((temper * to_prior for temper in _TEMPERS), key=problem.value)
        # No power tried is better than the reference, argmax (0) and the class shares (1) among them.
        starts = [np.zeros(n_classes), reference if reference.any() else to_prior]
        tuned = _best_ascent(problem, starts, order)
        if self.guard is None:
            return FittedMultipliers(log_multipliers=_centred(tuned))
        kept, notes = _guarded(problem, tuned, reference, counts)
        return FittedMultipliers(log_multipliers=_centred(kept), notes=notes)

    def for_study(self, *, n_classes: int, metric: Metric, multilabel: bool = False) -> Decision:
        """Rule for the study's metric, the cheapest label where that is a cost.

        Raises
        ------
        UsageError
            Where rows may have several labels, each with a cut of its own.
        """
        if multilabel:
            raise UsageError("multipliers choose one class for each row; where rows have several labels use threshold")
        rule = cheapest(metric) if self.metric is None else None
        return rule or self.replace(metric=self.metric or study_metric(metric))


def _log(proba: Array) -> Array:
    return np.log(np.maximum(proba, _FLOOR))


def _order(counts: Codes, proba: Array) -> list[int]:
    """Classes to tune, rarest first, so that the result does not depend on the order of the columns."""
    order = [int(k) for k in np.lexsort((proba.mean(axis=0), counts)) if counts[k] > 1]
    # Of two classes only the ratio of the multipliers matters.
    return order[-1:] if len(counts) == 2 else order


def _best_ascent(problem: Problem, starts: list[Array], order: list[int]) -> Array:
    """Best of the ascents from several starts, never worse than any of these."""
    if len(problem.codes) < 2 * _ROUGH:
        return max((ascend(problem, start, order) for start in starts), key=problem.value)
    # Most of the way can be found on some of the rows; from there it is a short way on all of them.
    some = problem.sample(_ROUGH)
    often = np.bincount(some.codes, minlength=problem.n_classes) > 1
    near = [ascend(some, start, [k for k in order if often[k]]) for start in starts]
    return ascend(problem, max([*near, *starts], key=problem.value), order)


def _guarded(problem: Problem, tuned: Array, reference: Array, counts: Codes) -> tuple[Array, tuple[str, ...]]:
    """Multipliers moved towards the reference, each class by how few rows it has."""
    kept = counts / (counts + _HALF)
    # Multipliers have no scale of their own; the well supported classes set it for the comparison.
    distance = tuned - reference
    distance -= np.average(distance, weights=kept)
    moved = reference + kept * distance
    few = int((counts < _FEW).sum())
    notes = []
    if few:
        notes.append(
            f"{few} of {len(counts)} classes have under {_FEW} rows: their multipliers were moved towards those of "
            "the class shares"
        )
    if problem.value(moved) < problem.value(reference):
        moved = reference
        notes.append("the guarded multipliers were no better than a power of the class shares, which was taken")
    return moved, tuple(notes)


def _centred(log_multipliers: Array) -> tuple[float, ...]:
    centred: list[float] = (log_multipliers - log_multipliers.mean()).tolist()
    return tuple(centred)
