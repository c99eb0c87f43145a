"""Recall of the class that fares worst."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, CountMetric, ratio


@component
class MinRecall(CountMetric):
    """Lowest recall of the classes that have rows: nobody is left behind.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(MinRecall().from_counts(hits, predicted, actual, 10)), 6)
    0.5
    """

    name = "min_recall"
    title = "lowest recall of a class"
    decomposable: ClassVar[bool] = False

    def from_counts(self, hits: Array, predicted: Array, actual: Array, total: Array | float) -> Array:
        """Minimum over the classes that have rows; NaN when there are none."""
        hits, actual = np.broadcast_arrays(hits, actual)
        lowest = np.min(ratio(hits, actual, empty=np.inf), axis=-1, initial=np.inf)
        return np.where(np.isfinite(lowest), lowest, np.nan)

    def from_label_counts(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Minimum over the labels that have rows."""
        return self.from_counts(hits, predicted, actual, np.nan)
