"""Median imputation and standardisation that no finite value can overflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Largest standardised value. No fitted row lies beyond sqrt(n) deviations, so only strange new rows are cut.
_LIMIT = 1e6


@dataclass(frozen=True, eq=False)
class Scaling:
    """Medians, means and standard deviations of numeric columns, each of shape (n_columns,).

    All are of values divided by ``2**exponent``, which brings a column's largest to between 0.5 and 1: sums
    and squares then cannot overflow, and dividing by a power of two changes no digit.
    """

    exponent: NDArray[np.int32]
    median: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def learn(cls, X: NDArray[np.float64]) -> Scaling:
        """Scaling of the given rows; a column without any value has the median 0."""
        n_rows = X.shape[0]
        missing = np.isnan(X)
        largest = np.max(np.where(missing, 0.0, np.abs(X)), axis=0, initial=0.0)
        exponent = np.frexp(largest)[1].astype(np.int32)
        scaled = np.ldexp(X, -exponent)
        # Sorting puts NaN last, so the middle of the values is known by their number.
        known = n_rows - missing.sum(axis=0)
        in_order = np.sort(scaled, axis=0)
        columns = np.arange(X.shape[1])
        middle = in_order[np.maximum(known - 1, 0) // 2, columns], in_order[known // 2 % n_rows, columns]
        median = np.where(known > 0, (middle[0] + middle[1]) / 2, 0.0)
        filled = np.where(missing, median, scaled)
        mean = filled.mean(axis=0)
        centred = filled - mean
        variance = np.mean(centred**2, axis=0) - np.mean(centred, axis=0) ** 2
        # The rounding of the mean alone makes a constant column look as if it varied by this much.
        noise = n_rows * np.finfo(np.float64).eps
        constant = variance <= noise * variance + (noise * mean) ** 2
        deviation = np.where(constant, 0.0, np.sqrt(np.maximum(variance, 0.0)))
        return cls(exponent, median, mean, deviation)

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised values, 0 throughout a column that was constant."""
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.ldexp(X, -self.exponent)
            scaled = np.where(np.isnan(scaled), self.median, scaled) - self.mean
            varies = self.deviation > 0
            scaled = np.divide(scaled, self.deviation, out=np.zeros_like(scaled), where=varies)
        return np.clip(scaled, -_LIMIT, _LIMIT)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Scaling:
        """Scaling from :meth:`to_arrays`'s arrays."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})
