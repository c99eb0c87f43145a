"""Weights that follow the recall on held-out rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.searched import Range, declared
from steelyard.weighting._base import Weighting


@component
class ValidationDriven(Weighting):
    """Equal weights at first; after each pass the classes that are missed on held-out rows count more.

    The weight of a class is multiplied by exp(rate x (mean recall - its recall)), within ``limit`` of its first value,
    and the step is logged. The model has to hold out rows and to pass over the others several times.
    :class:`steelyard.losses.schedules.ValidationDriven` is the rule for a training loop of one's own.

    Parameters
    ----------
    rate : float, default 0.5
        Above 0.
    limit : float, default 4
        Above 1.

    Raises
    ------
    UsageError
        When the rate is not above 0, or the limit not above 1.

    Examples
    --------
    >>> ValidationDriven().values(("soccer", "funny"), [80, 5])
    array([1., 1.])
    """

    name = "validation_driven"
    shown = ("rate", "limit")
    ranges = declared(rate=Range(0.1, 2, "log"), limit=Range(2, 10, "log"))

    rate: float = 0.5
    limit: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.rate < math.inf:
            raise UsageError(f"validation_driven: rate must be above 0, not {self.rate}")
        if not 1 < self.limit < math.inf:
            raise UsageError(f"validation_driven: limit must be above 1, not {self.limit}")

    @property
    def following(self) -> tuple[float, float]:
        """Rate and limit."""
        return float(self.rate), float(self.limit)

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """1, shape (n_classes,)."""
        return np.ones_like(counts)
