"""Mixup: rows that lie between two others, with a target between theirs."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.samplers._base import Array, Codes, Sampling
from steelyard.searched import Range, declared


@component
class Mixup(Sampling):
    """Every row once in each pass, mixed with another one of its batch (Zhang et al. 2018).

    A share lambda is drawn from Beta(alpha, alpha) for each row; the model sees lambda x + (1 - lambda) x', and pays
    lambda times the weighted loss for the label of x plus 1 - lambda times that for the label of x'. So labels,
    class weights and any loss stay right. It changes which rows are seen, as SMOTE does, and leaves weighting and
    loss open; it needs a model that passes over the rows in batches.

    Parameters
    ----------
    alpha : float, default 0.2
        Above 0; small values mix little, 1 evenly.

    Raises
    ------
    UsageError
        When alpha is not above 0, or rows with one label each are asked for.

    Examples
    --------
    >>> Mixup(alpha=0.4).mixing
    0.4
    """

    name = "mixup"
    shown = ("alpha",)
    ranges = declared(alpha=Range(0.05, 1, "log"))
    raises_rare: ClassVar[bool] = False

    alpha: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise UsageError(f"mixup: alpha must be above 0, not {self.alpha}")

    @property
    def mixing(self) -> float:
        """Alpha."""
        return float(self.alpha)

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Every row once; see :meth:`Sampling.draw`."""
        return np.arange(len(codes))

    def resample(self, X: Array, codes: Codes, n_classes: int, rng: np.random.Generator) -> tuple[Array, Codes]:
        """Not defined: a mixed row has two labels."""
        raise UsageError("mixup: a mixed row has two labels, so it is made while a model is trained; take mlp")

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Not defined: a mixed row has two labels."""
        return self.resample(X, y, 0, np.random.default_rng())

    def rates(self, counts: Codes) -> Array:
        """Draws per row of each class: 1."""
        return np.ones(len(counts))
