"""The most precise cut that still finds enough of the positives."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._base import Array, Decision, FittedDecision
from steelyard.decisions._cuts import Cuts, FittedCuts, fit_cuts, pick
from steelyard.errors import UsageError


@component
class AtRecall(Decision):
    """Cuts the score of the positive class, or of each label, for the best precision at a recall asked for.

    Of equally precise cuts the one with more recall is taken.

    Parameters
    ----------
    recall : float
        Recall that must be reached on the rows it is fitted on, in (0, 1].

    Raises
    ------
    UsageError
        When the recall is outside (0, 1].

    Examples
    --------
    >>> scores, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1])
    >>> AtRecall(0.5).fit(scores, y).predict(scores).tolist()
    [0, 0, 0, 1]
    >>> AtRecall(0.9).fit(scores, y).predict(scores).tolist()
    [0, 1, 1, 1]
    """

    recall: float = 0.9

    name = "at_recall"
    shown = ("recall",)
    fitted: ClassVar[type[FittedDecision]] = FittedCuts

    def __post_init__(self) -> None:
        if not 0 < self.recall <= 1:
            raise UsageError(f"at_recall: the recall must be above 0 and at most 1, not {self.recall}")

    def fit(self, proba: Array, y: Any, *, positive: int | None = None) -> FittedCuts:
        """Cut per label, exact over all cuts; the arguments are those of ``Threshold.fit``."""

        def value(cuts: Cuts) -> Array:
            return np.where(cuts.recall() >= self.recall - 1e-12, cuts.precision(), -1.0)

        def choose(cuts: Cuts) -> tuple[float, str]:
            return pick(cuts, value(cuts), cuts.recall()), ""

        return fit_cuts(proba, y, positive, "at_recall", choose, value)
