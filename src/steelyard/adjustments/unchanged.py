"""Probabilities as the model gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steelyard.adjustments._base import Adjustment, Array, ClassFactors
from steelyard.component import component


@component
class Unchanged(Adjustment):
    """Leaves probabilities as they are: the neutral adjustment.

    Examples
    --------
    >>> import numpy as np
    >>> bound = Unchanged().bind(priors=np.array([0.9, 0.1]), weights=np.ones(2))
    >>> bound.transform(np.array([[0.7, 0.3]])).tolist()
    [[0.7, 0.3]]
    """

    name = "unchanged"

    def bind(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> ClassFactors:
        """Factors of 1."""
        return ClassFactors((1.0,) * len(priors))
