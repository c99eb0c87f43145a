"""Balanced accuracy."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, CountMetric, MacroMetric, ratio


@component
class BalancedAccuracy(MacroMetric):
    """Mean of the recall of each class that has rows; ``sklearn.metrics.balanced_accuracy_score``.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(BalancedAccuracy().from_counts(hits, predicted, actual, 10)), 6)
    0.75
    """

    name = "balanced_accuracy"
    title = "balanced accuracy"

    def per_class(self, hits: Array, predicted: Array, actual: Array) -> Array:
        """Recall of each class."""
        return ratio(hits, actual)

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Mean of both recalls of each label: of the rows that have it, and of those that have it not."""
        return CountMetric.label_values(self, hits, predicted, actual, known)

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """Sum of fractions; see :meth:`CountMetric.fraction`."""
        return self._shares(actual), 0.0, np.asarray(actual, dtype=np.float64)
