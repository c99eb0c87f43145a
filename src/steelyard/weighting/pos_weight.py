"""Weights by the odds against a class."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.searched import Range, declared
from steelyard.weighting._base import Weighting, at_least_one
from steelyard.weighting._modifiers import apply_boost


@component
class PosWeight(Weighting):
    """Weight (N - n)/n for a class with n of N rows: what ``pos_weight`` of binary losses balances a label with.

    Where a row may have several labels, the rows with a label weigh together what those without it weigh; there the
    weight stands against 1 and is not normalised. With one label a row it is one class against the rest.

    Parameters
    ----------
    power : float, default 1
        Exponent, at least 0; 0.5 goes half of the way.

    Raises
    ------
    UsageError
        When the power is negative or not finite.

    Examples
    --------
    >>> PosWeight().label_values(("funny", "soccer"), [100, 200], known=[400, 400])
    array([3., 1.])
    >>> PosWeight(power=0.5, normalize=None).values(("a", "b"), [80, 20])
    array([0.5, 2. ])
    """

    power: float = 1.0

    name = "pos_weight"
    ranges = declared(power=Range(0, 1))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.power) and self.power >= 0):
            raise UsageError(f"pos_weight: power must be at least 0, not {self.power}; write pos_weight(power=0.5)")

    def raw_by_class(self, classes: Sequence[Hashable], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """((N - n)/n)^power, shape (n_classes,)."""
        return self._odds(counts, np.full(len(counts), counts.sum()))

    def label_values(self, classes: Sequence[Hashable], counts: Any, known: Any) -> NDArray[np.float64]:
        """(negatives/positives)^power of each label, boosted and clipped; none of either is taken to be one."""
        weights = self._odds(np.asarray(counts, dtype=np.float64), np.asarray(known, dtype=np.float64))
        if self.boost:
            weights = apply_boost(weights, classes, self.boost)
        return weights if self.clip is None else np.clip(weights, *self.clip)

    def _odds(self, counts: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
        odds: NDArray[np.float64] = at_least_one(np.maximum(total - counts, 0.0)) / at_least_one(counts)
        return odds**self.power
