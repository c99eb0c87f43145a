"""Resamples of the scored rows, stratified by class (or rarest label), and the value of a metric on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.metrics import CountMetric, Metric
from steelyard.study.judging import ClassCounts, Predictions, judging_of

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Entries of a block of row weights that are held at once (float32: a quarter of a gigabyte).
BLOCK = 64_000_000
#: Rows to a kind of row from which it is faster to draw kinds.
_WORTH = 8


@dataclass(frozen=True)
class Kinds:
    """Rows of one class on which every arm says the same, taken together: no count can tell them apart.

    Parameters
    ----------
    codes : ndarray of shape (n_kinds,)
    arms : list of Predictions
        Of one row of each kind.
    times : ndarray of int64, shape (n_kinds,)
        Rows of each kind.
    """

    codes: Codes
    arms: list[Predictions]
    times: Codes


def kinds_of(codes: Codes, arms: Sequence[Predictions]) -> Kinds | None:
    """Kinds of rows; None where there are so many that to draw rows is faster."""
    said = np.concatenate([codes[None], *(arm.predicted for arm in arms)]).astype(np.int32)
    lines = np.ascontiguousarray(said.T)
    whole = lines.view(np.dtype((np.void, lines.dtype.itemsize * lines.shape[1]))).ravel()
    _, first, times = np.unique(whole, return_index=True, return_counts=True)
    if len(first) * _WORTH > len(codes):
        return None
    some = [Predictions(arm.predicted[:, first], arm.proba[:, first]) for arm in arms]
    return Kinds(codes[first], some, times)


def _drawn_from(
    metric: Metric, codes: NDArray[Any], arms: Sequence[Predictions]
) -> tuple[NDArray[Any], Sequence[Predictions], Codes | None]:
    """Codes, arms and times of what resamples are drawn from: kinds of rows where these do, else rows."""
    by_counts = codes.ndim == 1 and judging_of(codes).counts_suffice(metric)
    kinds = kinds_of(codes, arms) if by_counts else None
    return (kinds.codes, kinds.arms, kinds.times) if kinds else (codes, arms, None)


def bootstrap_weights(
    codes: Codes, size: int, rng: np.random.Generator, times: Codes | None = None
) -> NDArray[np.float32]:
    """How often each row, or with ``times`` each kind of row, is drawn in ``size`` bootstraps within each class."""
    out = np.empty((size, len(codes)), dtype=np.float32)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        if times is not None:
            drawn = rng.multinomial(times[rows].sum(), times[rows] / times[rows].sum(), size=size)
        else:
            each = rng.integers(len(rows), size=(size, len(rows))) + np.arange(size)[:, None] * len(rows)
            drawn = np.bincount(each.ravel(), minlength=size * len(rows)).reshape(size, len(rows))
        out[:, rows] = drawn
    return out


def half_weights(codes: Codes, size: int, rng: np.random.Generator, times: Codes | None = None) -> NDArray[np.float32]:
    """How many rows of each kind are in a random half of each class, shape (size, n_kinds); without ``times`` 1 or 0.

    Where a class has an odd number of rows, lot decides which half gets one more.
    """
    out = np.zeros((size, len(codes)), dtype=np.float32)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        if times is not None:
            halves = (times[rows].sum() + rng.integers(2, size=size)) // 2
            for half in np.unique(halves):
                places = np.flatnonzero(halves == half)
                drawn = rng.multivariate_hypergeometric(times[rows], half, size=len(places), method="marginals")
                out[np.ix_(places, rows)] = drawn
            continue
        ranks = rng.random((size, len(rows))).argsort(axis=1)
        cut = (len(rows) + rng.integers(2, size=(size, 1))) // 2
        chosen = np.take_along_axis(np.broadcast_to(np.arange(len(rows)) < cut, ranks.shape), ranks, axis=1)
        out[:, rows] = chosen
    return out


def blocks(size: int, n_rows: int) -> list[int]:
    """Sizes of the blocks in which ``size`` resamples of ``n_rows`` are made."""
    each = max(1, min(size, BLOCK // max(n_rows, 1)))
    return [min(each, size - start) for start in range(0, size, each)]


def count_arms(codes: NDArray[Any], arms: Sequence[Predictions], weights: NDArray[np.float32]) -> list[ClassCounts]:
    """Counts per class of every arm for each line of row weights."""
    return judging_of(codes).count([arm.predicted for arm in arms], codes, weights, arms[0].proba.shape[-1])


def metric_values(
    metric: Metric,
    codes: NDArray[Any],
    arm: Predictions,
    weights: NDArray[np.float32],
    counts: ClassCounts | None = None,
) -> Array:
    """Metric of an arm for each line of row weights, averaged over repeats, shape (n_resamples,)."""
    judging = judging_of(codes)
    if not judging.counts_suffice(metric):
        return judging.score(metric, codes, arm, weights)
    assert isinstance(metric, CountMetric)
    counts = counts or judging.count([arm.predicted], codes, weights, arm.proba.shape[-1])[0]
    return counts.value(metric)


@dataclass(frozen=True)
class Bootstraps:
    """All arms on the same bootstraps.

    Parameters
    ----------
    values : ndarray of shape (n_arms, size)
        The study's metric.
    counts : list of ClassCounts
        One for each arm.
    """

    values: Array
    counts: list[ClassCounts]


def bootstrapped(
    metric: Metric, codes: NDArray[Any], arms: Sequence[Predictions], *, size: int, seed: int
) -> Bootstraps:
    """Metric and counts of every arm on the same ``size`` bootstraps."""
    rng = np.random.default_rng([seed, 0xB007])
    codes, arms, times = _drawn_from(metric, codes, arms)
    strata = judging_of(codes).strata(codes)
    values, counts = [], []
    for block in blocks(size, len(codes)):
        weights = bootstrap_weights(strata, block, rng, times)
        made = count_arms(codes, arms, weights)
        counts.append(made)
        values.append(
            np.stack([metric_values(metric, codes, arm, weights, c) for arm, c in zip(arms, made, strict=True)])
        )
    return Bootstraps(
        np.concatenate(values, axis=1), [ClassCounts.joined(parts) for parts in zip(*counts, strict=True)]
    )


def halved(
    metric: Metric, codes: NDArray[Any], arms: Sequence[Predictions], *, size: int, seed: int
) -> tuple[Array, Array]:
    """Metric of every arm on random halves and on the other halves, each of shape (n_arms, size)."""
    rng = np.random.default_rng([seed, 0x4A1F])
    codes, arms, times = _drawn_from(metric, codes, arms)
    judging = judging_of(codes)
    strata = judging.strata(codes)
    chosen, other = [], []
    by_counts = judging.counts_suffice(metric)
    ones = np.ones(len(codes)) if times is None else times
    whole = count_arms(codes, arms, ones[None].astype(np.float32)) if by_counts else []
    for block in blocks(size, len(codes)):
        weights = half_weights(strata, block, rng, times)
        if by_counts:
            assert isinstance(metric, CountMetric)
            counts = count_arms(codes, arms, weights)
            rest = [part.rest_of(every) for part, every in zip(counts, whole, strict=True)]
            chosen.append(np.stack([part.value(metric) for part in counts]))
            other.append(np.stack([part.value(metric) for part in rest]))
        else:
            chosen.append(np.stack([metric_values(metric, codes, arm, weights) for arm in arms]))
            other.append(np.stack([metric_values(metric, codes, arm, 1 - weights) for arm in arms]))
    return np.concatenate(chosen, axis=1), np.concatenate(other, axis=1)


def permuted(metric: Metric, codes: NDArray[Any], arm: Predictions, *, size: int, seed: int) -> Array:
    """Metric of an arm whose rows are shuffled against the labels: its rule without skill, shape (size,)."""
    return judging_of(codes).shuffled(metric, codes, arm, size, np.random.default_rng([seed, 0x5C1F]))
