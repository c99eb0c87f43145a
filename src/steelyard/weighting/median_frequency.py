"""Weights by median frequency balancing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.weighting._base import Weighting, at_least_one


@component
class MedianFrequency(Weighting):
    """Weight median(n)/n for a class of n rows, the median taken over the classes that have rows.

    References
    ----------
    Eigen, Fergus, "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale
    Convolutional Architecture", ICCV 2015, section 6.3.2.

    Examples
    --------
    >>> MedianFrequency(normalize=None).values(("a", "b", "c"), [100, 10, 5])
    array([0.1, 1. , 2. ])
    """

    name = "median_frequency"

    def raw_by_class(self, classes: Sequence[Hashable], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """median(n)/n, shape (n_classes,)."""
        median = float(np.median(counts[counts > 0])) if counts.any() else 1.0
        return median / at_least_one(counts)
