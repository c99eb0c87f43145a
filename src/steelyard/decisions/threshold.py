"""A tuned cut on the score of the positive class."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._base import (
    Array,
    Decision,
    FittedDecision,
    cheapest,
    count_metric,
    metric_text,
    study_metric,
)
from steelyard.decisions._cuts import Cuts, FittedCuts, fit_cuts, pick
from steelyard.decisions.multipliers import Multipliers
from steelyard.errors import UsageError
from steelyard.metrics import Metric, get_metric

#: Positives from which a tuned cut is left as it is under ``guard="auto"``.
ENOUGH_POSITIVES = 20


@component
class Threshold(Decision):
    """Cuts the score of the positive class, or of each label, where a metric is best: exactly, over all cuts.

    A cut is the midpoint between two neighbouring scores and a row is positive at or above it; rows of equal
    score are never parted, so constant scores mean all rows or none, whichever is better. Of equally good
    cuts the one nearest to 0.5 is taken. In a study of more than two classes it stands for
    :class:`Multipliers`, and where a study's metric is one of probabilities it tunes macro_f1.

    Parameters
    ----------
    metric : str or Metric, optional
        Metric of predictions, of the positive class and the rest; ``"f1"`` is that of the positive class.
        None takes the study's, and f1 outside a study.
    guard : {"auto", None}
        With ``"auto"`` and fewer than 20 positives, the cut's log-odds are moved towards those of the share
        of positives, by ``1 - positives / 20``, and a note says so; None keeps the exact optimum.

    Raises
    ------
    UsageError
        When the metric is one of probabilities, or the guard is unknown.

    Examples
    --------
    >>> scores, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 1, 1])
    >>> rule = Threshold(metric="f1", guard=None).fit(scores, y)
    >>> rule.cuts, rule.predict(scores).tolist()
    ((0.25,), [0, 0, 1, 1])
    """

    metric: str | None = None
    guard: str | None = "auto"

    name = "threshold"
    fitted: ClassVar[type[FittedDecision]] = FittedCuts

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metric_text(self.metric, "threshold"))
        if self.guard not in ("auto", None):
            raise UsageError(f"threshold: guard must be auto or none, not {self.guard!r}")

    def fit(self, proba: Array, y: Any, *, positive: int | None = None) -> FittedCuts:
        """Exact optimum over all cuts; per label for multi-label, where NaN in ``y`` is left out.

        Parameters
        ----------
        proba : ndarray of shape (n_samples,), (n_samples, 2) or (n_samples, n_labels)
            Scores of the positive class, of both classes, or of each label.
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            0 and 1; NaN is unknown.
        positive : int, optional
            Code of the class that is cut: by default the metric's own, else 1.

        Returns
        -------
        FittedCuts

        Raises
        ------
        UsageError
            On more than two classes, where ``multipliers`` is the rule, or shapes that do not fit.
        DataError
            When a probability is NaN or outside [0, 1].
        """
        metric = count_metric(self.metric or "f1")
        if metric.name == "f1":
            own = metric.params()["positive"]
            positive = own if positive is None and np.ndim(y) == 1 else positive
            # Cuts are counted as (negative, positive), whatever code the positive class has.
            metric = count_metric("f1(positive=1)")

        def value(cuts: Cuts) -> Array:
            if np.ndim(y) == 2:
                known = np.asarray(cuts.total)
                values = metric.label_values(cuts.hits, cuts.selected, np.asarray(cuts.positives), known)
            else:
                values = metric.from_counts(*cuts.counts(), cuts.total)
            return values if metric.greater_is_better else -values

        def choose(cuts: Cuts) -> tuple[float, str]:
            cut = pick(cuts, value(cuts))
            if self.guard is None or cuts.positives >= ENOUGH_POSITIVES:
                return cut, ""
            return _shrunk(cut, cuts)

        return fit_cuts(proba, y, positive, "threshold", choose, value)

    def for_study(self, *, n_classes: int, metric: Metric, multilabel: bool = False) -> Decision:
        """Rule for the study's metric; :class:`Multipliers` where there are more than two classes."""
        rule = cheapest(metric) if self.metric is None else None
        if rule is not None:
            return rule
        text = self.metric or study_metric(metric)
        if multilabel and self.metric is None and text in ("macro_f1", "weighted_f1", "micro_f1"):
            # An average of F1 over labels is of their positives, and each label has a cut of its own.
            text = "f1"
        if n_classes <= 2 or multilabel:
            return self.replace(metric=text)
        if get_metric(text).name == "f1":
            text = "macro_f1"
        return Multipliers(metric=text, guard=self.guard)


def _shrunk(cut: float, cuts: Cuts) -> tuple[float, str]:
    share = cuts.positives / ENOUGH_POSITIVES
    inside = min(max(cut, 1e-6), 1.0 - 1e-6)
    prevalence = cuts.positives / cuts.total
    odds = share * _logit(inside) + (1.0 - share) * _logit(prevalence)
    moved = 1.0 / (1.0 + math.exp(-odds))
    note = (
        f"{cuts.positives:.0f} positives are too few to tune a cut on: the best cut {cut:.4g} was moved to "
        f"{moved:.4g}, towards their share {prevalence:.4g}"
    )
    return moved, note


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))
