"""Accuracy."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, CountMetric, ratio


@component
class Accuracy(CountMetric):
    """Share of the rows that were predicted right; says little where one class is most of the rows.

    Equal to ``sklearn.metrics.accuracy_score``.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([99.0, 0.0]), np.array([100.0, 0.0]), np.array([99.0, 1.0])
    >>> round(float(Accuracy().from_counts(hits, predicted, actual, 100)), 6)
    0.99
    """

    name = "accuracy"
    title = "accuracy"

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Hits."""
        return (np.asarray(hits, dtype=np.float64),)

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Hits over rows."""
        return ratio(sums[0], total, empty=np.nan)

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """Sum of fractions; see :meth:`CountMetric.fraction`."""
        return np.full(len(actual), 1.0 / total), 0.0, np.ones(len(actual))
