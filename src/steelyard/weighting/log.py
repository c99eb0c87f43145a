"""Weights inverse to the logarithm of class frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.weighting._base import Weighting


@component
class Log(Weighting):
    """Weight 1/log(1+n) for a class of n rows: the gentlest of the schemes for large counts.

    Examples
    --------
    >>> Log(normalize=None).values(("a", "b"), [80, 5]).round(4)
    array([0.2276, 0.5581])
    """

    name = "log"

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """1/log(1+n), shape (n_classes,)."""
        return 1.0 / np.log1p(counts)
