"""Weights inverse to the effective number of samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.searched import Range, declared
from steelyard.weighting._base import Weighting


@component
class EffectiveNumber(Weighting):
    """Weight (1-beta) / (1-beta^n) for a class of n rows: rows beyond about 1/(1-beta) add little.

    ``beta=0`` is uniform, ``beta`` towards 1 is inverse.

    Parameters
    ----------
    beta : float in [0, 1), default 0.999

    References
    ----------
    Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019,
    eq. 2 and 3.

    Examples
    --------
    >>> EffectiveNumber(beta=0.9, normalize=None).values(("a", "b"), [1, 2]).round(6)
    array([1.      , 0.526316])
    """

    name = "effective_number"
    shown = ("beta",)
    ranges = declared(beta=Range(0.9, 0.99999, "near_one"))
    beta: float = 0.999

    def __post_init__(self) -> None:
        super().__post_init__()
        beta: Any = self.beta  # what a user passes may be of any type
        if isinstance(beta, bool) or not isinstance(beta, (int, float)) or not 0 <= beta < 1:
            raise UsageError(f"beta must be a number in [0, 1), not {beta!r}")

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(1-beta) / (1-beta^n), shape (n_classes,)."""
        if self.beta == 0:
            return np.ones_like(counts)
        # 1 - beta**n loses all digits for beta near 1; expm1 keeps them.
        return (1.0 - self.beta) / -np.expm1(counts * math.log1p(self.beta - 1.0))
