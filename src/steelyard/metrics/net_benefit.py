"""Net benefit of acting on predictions, from decision curve analysis."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.metrics._base import Array, CountMetric, ratio


@component
class NetBenefit(CountMetric):
    """Net benefit of acting on every row that is predicted positive (Vickers and Elkin 2006, equation 1).

    Hits per row, less false alarms per row at the price that the threshold probability says: whoever would act from
    a probability of .2 on takes four false alarms for one hit. Doing nothing for anybody has 0, and the highest
    value there can be is the share of the positive class. Labels are judged, so a rule tuned for it finds its own
    cut; for well calibrated probabilities that is the threshold probability.

    Parameters
    ----------
    threshold : float, default 0.5
        Probability from which on one would act, above 0 and below 1; a false alarm costs
        ``threshold / (1 - threshold)`` hits.
    positive : int, optional
        Code of the positive class. None takes the one with fewer rows (the second when both have as many). Where
        rows may have several labels it is the mean over the labels, each positive where the label is there.

    Raises
    ------
    UsageError
        When the threshold is not between 0 and 1, or it is scored on other than two classes.

    Examples
    --------
    Of 10 rows 2 are positive; 3 are acted on, 2 of them rightly. At .2 the false alarm costs a quarter of a hit.

    >>> import numpy as np
    >>> hits, predicted, actual = np.array([7.0, 2.0]), np.array([7.0, 3.0]), np.array([8.0, 2.0])
    >>> round(float(NetBenefit(threshold=0.2).from_counts(hits, predicted, actual, 10)), 6)
    0.175
    """

    threshold: float = 0.5
    positive: int | None = None

    name = "net_benefit"
    title = "net benefit"
    shown = ("threshold",)
    decomposable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise UsageError(
                f"net_benefit: threshold must be above 0 and below 1, not {self.threshold!r}; it is the probability "
                "from which on one would act"
            )
        if self.positive not in (None, 0, 1):
            raise UsageError(f"net_benefit: positive must be the code 0 or 1, not {self.positive!r}")

    def from_counts(self, hits: Array, predicted: Array, actual: Array, total: Array | float) -> Array:
        """Net benefit per row of acting on the positive class; NaN without rows."""
        hits, predicted, actual = np.broadcast_arrays(hits, predicted, actual)
        if hits.shape[-1] != 2:
            raise UsageError(
                f"net_benefit is of one class among two, these data have {hits.shape[-1]}: use cost with a matrix"
            )
        value = self._benefit(hits, predicted, np.asarray(total, dtype=np.float64)[..., None])
        if self.positive is not None:
            return value[..., self.positive]
        return np.where(actual[..., 0] < actual[..., 1], value[..., 0], value[..., 1])

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Net benefit of acting on each label, per row for which it is known."""
        return self._benefit(hits, predicted, known)

    def _benefit(self, hits: Array, predicted: Array, total: Array) -> Array:
        price = self.threshold / (1.0 - self.threshold)
        return ratio(hits - price * np.subtract(predicted, hits), total, empty=np.nan)
