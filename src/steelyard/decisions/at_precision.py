"""The cut that finds most of the positives while enough of what it selects is right."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._base import Array, Decision, FittedDecision
from steelyard.decisions._cuts import Cuts, FittedCuts, fit_cuts, pick
from steelyard.errors import UsageError


@component
class AtPrecision(Decision):
    """Cuts the score of the positive class, or of each label, for the best recall at a precision asked for.

    Where no cut is as precise, the most precise one is taken and a note says so.

    Parameters
    ----------
    precision : float
        Precision that must be reached on the rows it is fitted on, in (0, 1].

    Raises
    ------
    UsageError
        When the precision is outside (0, 1].

    Examples
    --------
    >>> scores, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1])
    >>> AtPrecision(0.6).fit(scores, y).predict(scores).tolist()
    [0, 1, 1, 1]
    """

    precision: float = 0.5

    name = "at_precision"
    shown = ("precision",)
    fitted: ClassVar[type[FittedDecision]] = FittedCuts

    def __post_init__(self) -> None:
        if not 0 < self.precision <= 1:
            raise UsageError(f"at_precision: the precision must be above 0 and at most 1, not {self.precision}")

    def fit(self, proba: Array, y: Any, *, positive: int | None = None) -> FittedCuts:
        """Cut per label, exact over all cuts; the arguments are those of ``Threshold.fit``."""

        def value(cuts: Cuts) -> Array:
            # Any cut that is precise enough comes before any that is not.
            precision = cuts.precision()
            return np.where(precision >= self.precision - 1e-12, 1.0 + cuts.recall(), precision)

        def choose(cuts: Cuts) -> tuple[float, str]:
            precision, recall = cuts.precision(), cuts.recall()
            if (precision >= self.precision - 1e-12).any():
                return pick(cuts, value(cuts), precision), ""
            note = f"no cut has a precision of {self.precision:g}; the closest, {precision.max():.4g}, is taken"
            return pick(cuts, precision, recall), note

        return fit_cuts(proba, y, positive, "at_precision", choose, value)
