"""Micro F1."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, CountMetric, ratio


@component
class MicroF1(CountMetric):
    """F1 of the counts summed over the classes that have rows.

    It is the accuracy where no prediction names a class without rows, and above it otherwise.
    Equal to ``sklearn.metrics.f1_score(labels=present, average="micro", zero_division=0)``.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(MicroF1().from_counts(hits, predicted, actual, 10)), 6)
    0.9
    """

    name = "micro_f1"
    title = "micro F1"

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Hits and predictions of the classes that have rows."""
        present = actual > 0
        return np.where(present, hits, 0.0), np.where(present, predicted, 0.0)

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """F1 of the sums."""
        return ratio(2.0 * sums[0], np.add(sums[1], actual.sum(axis=-1)), empty=np.nan)

    def from_label_counts(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """The same sums over labels."""
        return self.from_counts(hits, predicted, actual, known.sum(axis=-1))

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """F1 of each label."""
        return ratio(2.0 * hits, np.add(predicted, actual))
