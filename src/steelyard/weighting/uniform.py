"""The same weight for every class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.weighting._base import Weighting


@component
class Uniform(Weighting):
    """Weight 1 for every class: the neutral weighting.

    Examples
    --------
    >>> Uniform().values(("a", "b"), [80, 5])
    array([1., 1.])
    """

    name = "uniform"

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ones, shape (n_classes,)."""
        return np.ones_like(counts)
