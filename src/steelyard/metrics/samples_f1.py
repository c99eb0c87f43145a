"""F1 of each row's labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, RowMetric, ratio


@component
class SamplesF1(RowMetric):
    """Mean over rows of the F1 of a row's labels: how well each row's set of labels is met.

    Over the labels known of a row; a row that neither has nor is given a label counts 0, as in
    ``sklearn.metrics.f1_score(average="samples", zero_division=0)``. With one label a row it is the accuracy.

    Examples
    --------
    >>> values, mass = SamplesF1().from_rows(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1, 0], [0, 1]]))
    >>> round(float(np.average(values, weights=mass)), 6)
    0.833333
    """

    name = "samples_f1"
    title = "samples F1"

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Hits."""
        return (np.asarray(hits, dtype=np.float64),)

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Hits over rows: the F1 of one label is 1 or 0."""
        return ratio(sums[0], total, empty=np.nan)

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """F1 of each label, which a cut of its own can be tuned for."""
        return ratio(2.0 * hits, np.add(predicted, actual))

    def from_rows(self, Y: Array, predicted: NDArray[np.integer]) -> tuple[Array, Array]:
        """F1 of each row; rows of which nothing is known count nothing."""
        known = ~np.isnan(Y)
        has, named = known & (Y == 1), known & (np.asarray(predicted) == 1)
        both = (has & named).sum(axis=1).astype(np.float64)
        counted: Array = np.asarray(known.any(axis=1), dtype=np.float64)
        return ratio(2.0 * both, has.sum(axis=1) + named.sum(axis=1)), counted
