"""Brier score."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, ScoreMetric
from steelyard.metrics._ranking import row_mean


@component
class Brier(ScoreMetric):
    """Mean squared distance of the probabilities from the truth (Brier 1950).

    Two classes: mean of ``(p_1 - y)^2``, between 0 and 1. More: summed over classes, between 0 and 2.
    Equal to ``sklearn.metrics.brier_score_loss``.

    Examples
    --------
    >>> import numpy as np
    >>> round(Brier().from_scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.5, 0.5]])), 6)
    0.13
    """

    name = "brier"
    title = "Brier score"
    greater_is_better: ClassVar[bool] = False

    def from_scores(self, codes: NDArray[np.integer], proba: Array, weights: Array | None = None) -> Array | float:
        """Mean squared distance, one per line of weights."""
        proba = np.asarray(proba, dtype=np.float64)
        if proba.shape[1] == 2:
            return row_mean((proba[:, 1] - (np.asarray(codes) == 1)) ** 2, weights)
        right = proba[np.arange(len(codes)), codes]
        # Summing the squares first spares an (n_samples, n_classes) one-hot array.
        return row_mean(np.einsum("nk,nk->n", proba, proba) - right**2 + (1.0 - right) ** 2, weights)
