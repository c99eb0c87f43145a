"""Log loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, ScoreMetric
from steelyard.metrics._ranking import row_mean

_EPS = float(np.finfo(np.float64).eps)


@component
class LogLoss(ScoreMetric):
    """Mean of minus the log of the probability given to the right class, in nats.

    Probabilities are clipped to [eps, 1 - eps] of float64, so that one sure mistake costs 36, not infinity.
    Equal to ``sklearn.metrics.log_loss(labels=range(n_classes))`` on float64.

    Examples
    --------
    >>> import numpy as np
    >>> round(LogLoss().from_scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.5, 0.5]])), 6)
    0.399254
    """

    name = "log_loss"
    title = "log loss"
    greater_is_better: ClassVar[bool] = False

    def from_scores(self, codes: NDArray[np.integer], proba: Array, weights: Array | None = None) -> Array | float:
        """Mean loss, one per line of weights."""
        right = np.asarray(proba, dtype=np.float64)[np.arange(len(codes)), codes]
        return row_mean(-np.log(np.clip(right, _EPS, 1.0 - _EPS)), weights)
