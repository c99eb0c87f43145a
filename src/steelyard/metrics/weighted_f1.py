"""Weighted F1."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, CountMetric, ratio


@component
class WeightedF1(CountMetric):
    """Mean of the F1 of each class, weighted by its rows: the common classes decide.

    Equal to ``sklearn.metrics.f1_score(labels=present, average="weighted", zero_division=0)``.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(WeightedF1().from_counts(hits, predicted, actual, 10)), 6)
    0.886275
    """

    name = "weighted_f1"
    title = "weighted F1"

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """F1 times rows."""
        return (ratio(2.0 * hits, np.add(predicted, actual)) * actual,)

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Mean over rows."""
        return ratio(sums[0], actual.sum(axis=-1), empty=np.nan)

    def from_label_counts(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """The same sums over labels."""
        return self.from_counts(hits, predicted, actual, known.sum(axis=-1))

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """F1 of each label."""
        return ratio(2.0 * hits, np.add(predicted, actual))

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """Sum of fractions; see :meth:`CountMetric.fraction`."""
        return 2.0 * np.asarray(actual) / total, 1.0, np.asarray(actual, dtype=np.float64)
