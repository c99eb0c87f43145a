"""Matthews correlation coefficient."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, CountMetric, ratio

# Weights that are no whole numbers leave rounding where an exact 0 is meant; a real spread is never as small.
_ROUNDING = 1e-13


@component
class MCC(CountMetric):
    """Matthews correlation coefficient of several classes (Gorodkin 2004, the R_K statistic).

    0 where all rows are, or are predicted as, one class. Predictions of a class without rows count.
    Equal to ``sklearn.metrics.matthews_corrcoef``.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(MCC().from_counts(hits, predicted, actual, 10)), 6)
    0.666667
    """

    name = "mcc"
    title = "Matthews correlation coefficient"

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Hits, squared predictions, and predictions times rows."""
        predicted = np.asarray(predicted, dtype=np.float64)
        return np.asarray(hits, dtype=np.float64), predicted * predicted, predicted * actual

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Covariance over the root of both variances."""
        hits, squared, crossed = sums
        whole = np.asarray(total, dtype=np.float64) ** 2
        spread = whole - squared
        actual_spread = whole - (np.asarray(actual, dtype=np.float64) ** 2).sum(axis=-1)
        spread = np.where(spread > _ROUNDING * whole, spread, 0.0)
        actual_spread = np.where(actual_spread > _ROUNDING * whole, actual_spread, 0.0)
        value = ratio(hits * total - crossed, np.sqrt(spread * actual_spread))
        return np.where(whole > 0, value, np.nan)
