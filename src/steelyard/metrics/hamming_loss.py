"""Hamming loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, RowMetric, ratio


@component
class HammingLoss(RowMetric):
    """Share of wrong entries: of rows with one label each, or of all known labels where rows have several.

    Equal to ``sklearn.metrics.hamming_loss``.

    Examples
    --------
    >>> values, mass = HammingLoss().from_rows(np.array([[1.0, 1.0], [np.nan, 1.0]]), np.array([[1, 0], [0, 1]]))
    >>> round(float(np.average(values, weights=mass)), 6)
    0.333333
    """

    name = "hamming_loss"
    title = "Hamming loss"
    greater_is_better: ClassVar[bool] = False

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Hits."""
        return (np.asarray(hits, dtype=np.float64),)

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Share of the rows that were not hit."""
        return 1.0 - ratio(sums[0], total, empty=np.nan)

    def from_rows(self, Y: Array, predicted: NDArray[np.integer]) -> tuple[Array, Array]:
        """Share of wrong entries of each row, which counts as often as it has known ones."""
        known = ~np.isnan(Y)
        mass = known.sum(axis=1).astype(np.float64)
        return ratio((known & (predicted != Y)).sum(axis=1).astype(np.float64), mass), mass
