"""Intervals and tests for proportions, where a bootstrap would have no width."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Two-sided level of every interval: 95 %.
Z = 1.959963984540054


def wilson(hits: Array, total: Array) -> Array:
    """Wilson score interval of a proportion (Wilson 1927), stacked as (2, ...); [0, 1] where total is 0.

    Examples
    --------
    >>> wilson(np.array([2.0]), np.array([2.0])).round(3).ravel().tolist()
    [0.342, 1.0]
    """
    hits, total = np.asarray(hits, dtype=np.float64), np.asarray(total, dtype=np.float64)
    n = np.maximum(total, 1e-12)
    p = hits / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    bounds = np.stack([np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)])
    return np.where(total > 0, bounds, np.array([0.0, 1.0]).reshape(2, *[1] * total.ndim))


def paired_difference(gained: Array, lost: Array, total: Array) -> Array:
    """Adjusted Wald interval of a difference of paired proportions (Agresti and Min 2005), as (2, ...).

    Parameters
    ----------
    gained, lost : ndarray
        Rows that only the one, or only the other, got right.
    total : ndarray
        Rows in all.

    Examples
    --------
    >>> paired_difference(np.array([0.0]), np.array([0.0]), np.array([2.0])).round(2).ravel().tolist()
    [-0.49, 0.49]
    """
    n = np.asarray(total, dtype=np.float64) + 2
    up, down = np.asarray(gained) + 0.5, np.asarray(lost) + 0.5
    centre = (up - down) / n
    half = Z * np.sqrt(np.maximum(up + down - (up - down) ** 2 / n, 0)) / n
    return np.stack([np.clip(centre - half, -1, 1), np.clip(centre + half, -1, 1)])


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test on discordant rows.

    Examples
    --------
    >>> round(mcnemar(6, 0), 9)
    0.03125
    >>> mcnemar(0, 0)
    1.0
    """
    total, fewer = gained + lost, min(gained, lost)
    # Each binomial coefficient from the one before, in logarithms: to import SciPy for it takes longer than a study's
    # tests.
    factors = np.arange(total, total - fewer, -1) / np.arange(1, fewer + 1)
    terms = np.concatenate([[0.0], np.cumsum(np.log(factors))]) - total * math.log(2.0)
    return min(1.0, 2.0 * float(np.exp(terms).sum()))


def holm(p_values: Array) -> Array:
    """P-values adjusted for their number by Holm's step-down procedure (Holm 1979).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted
