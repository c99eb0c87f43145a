"""Weights inverse to class frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.weighting._base import Weighting


@component
class Inverse(Weighting):
    """Weight 1/n for a class of n rows, so that every class weighs the same in total.

    With ``normalize="samples"`` it is scikit-learn's ``class_weight="balanced"``: n_samples / (n_classes n).

    Examples
    --------
    >>> Inverse(normalize="classes").values(("soccer", "funny"), [80, 5]).round(3)
    array([0.118, 1.882])
    """

    name = "inverse"

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """1/n, shape (n_classes,)."""
        return 1.0 / counts
