"""Accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, RowMetric, ratio


@component
class Accuracy(RowMetric):
    """Share of the rows that were predicted right; says little where one class is most of the rows.

    Where a row may have several labels it is the share of the rows whose known labels are all right (subset
    accuracy). Equal to ``sklearn.metrics.accuracy_score``.

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

    def from_rows(self, Y: Array, predicted: NDArray[np.integer]) -> tuple[Array, Array]:
        """1 for each row whose known labels are all right; rows of which nothing is known count nothing."""
        known = ~np.isnan(Y)
        right = (known & (predicted != Y)).sum(axis=1) == 0
        counted: Array = np.asarray(known.any(axis=1), dtype=np.float64)
        return right.astype(np.float64), counted

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """Sum of fractions; see :meth:`CountMetric.fraction`."""
        return np.full(len(actual), 1.0 / total), 0.0, np.ones(len(actual))
