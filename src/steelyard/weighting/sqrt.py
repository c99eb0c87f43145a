"""Weights inverse to the square root of class frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.weighting._base import Weighting


@component
class Sqrt(Weighting):
    """Weight 1/sqrt(n) for a class of n rows: half way, on a log scale, from uniform to inverse.

    Examples
    --------
    >>> Sqrt(normalize=None).values(("a", "b"), [100, 4])
    array([0.1, 0.5])
    """

    name = "sqrt"

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """1/sqrt(n), shape (n_classes,)."""
        return 1.0 / np.sqrt(counts)
