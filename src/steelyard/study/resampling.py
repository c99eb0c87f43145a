"""Resamples of the scored rows, stratified by class, and the value of a metric on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.metrics import CountMetric, Metric, ScoreMetric

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Entries of a block of row weights that are held at once (float32: a quarter of a gigabyte).
BLOCK = 64_000_000


@dataclass(frozen=True)
class Predictions:
    """What one arm says of the scored rows.

    Parameters
    ----------
    predicted : ndarray of int64, shape (n_repeats, n_rows)
    proba : ndarray of float64, shape (n_repeats, n_rows, n_classes)
    """

    predicted: Codes
    proba: Array


@dataclass(frozen=True)
class ClassCounts:
    """Counts per class of one arm under many weightings of the rows.

    Parameters
    ----------
    hits, predicted : ndarray of shape (n_repeats, n_resamples, n_classes)
    actual : ndarray of shape (n_resamples, n_classes)
    """

    hits: Array
    predicted: Array
    actual: Array

    def rest_of(self, whole: ClassCounts) -> ClassCounts:
        """Counts of the rows that these leave of the whole: exact, as all are whole numbers."""
        return ClassCounts(whole.hits - self.hits, whole.predicted - self.predicted, whole.actual - self.actual)

    def value(self, metric: CountMetric) -> Array:
        """Metric on each resample, averaged over repeats, shape (n_resamples,)."""
        total = self.actual.sum(axis=-1)
        values: Array = metric.from_counts(self.hits, self.predicted, self.actual, total).mean(axis=0)
        return values


def bootstrap_weights(codes: Codes, size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How often each row is drawn in ``size`` bootstraps within each class, shape (size, n_rows)."""
    out = np.empty((size, len(codes)), dtype=np.float32)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        drawn = rng.integers(len(rows), size=(size, len(rows)))
        drawn += np.arange(size)[:, None] * len(rows)
        out[:, rows] = np.bincount(drawn.ravel(), minlength=size * len(rows)).reshape(size, len(rows))
    return out


def half_weights(codes: Codes, size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """1 for the rows of a random half of each class, else 0, shape (size, n_rows).

    Where a class has an odd number of rows, lot decides which half gets one more.
    """
    out = np.zeros((size, len(codes)), dtype=np.float32)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        ranks = rng.random((size, len(rows))).argsort(axis=1)
        cut = (len(rows) + rng.integers(2, size=(size, 1))) // 2
        chosen = np.take_along_axis(np.broadcast_to(np.arange(len(rows)) < cut, ranks.shape), ranks, axis=1)
        out[:, rows] = chosen
    return out


def blocks(size: int, n_rows: int) -> list[int]:
    """Sizes of the blocks in which ``size`` resamples of ``n_rows`` are made."""
    each = max(1, min(size, BLOCK // max(n_rows, 1)))
    return [min(each, size - start) for start in range(0, size, each)]


def count_classes(
    codes: Codes, predicted: Codes, weights: NDArray[np.float32], n_classes: int, actual: Array | None = None
) -> ClassCounts:
    """Counts per class of one arm for each line of row weights.

    Weights are small whole numbers, so float32 sums are exact, whatever the order they are formed in. ``actual`` saves
    counting again what is the same for all arms.
    """
    if actual is None:
        actual = count_rows(codes, weights, n_classes)
    hits, named = np.empty((2, len(predicted), len(weights), n_classes))
    for repeat, p in enumerate(predicted):
        # Both in one product: a class each where it is hit, then a class each where it is named.
        both = np.zeros((len(codes), 2 * n_classes), dtype=np.float32)
        right = np.flatnonzero(p == codes)
        both[right, codes[right]] = 1
        both[np.arange(len(codes)), n_classes + p] = 1
        found = weights @ both
        hits[repeat], named[repeat] = found[:, :n_classes], found[:, n_classes:]
    return ClassCounts(hits, named, actual)


def count_rows(codes: Codes, weights: NDArray[np.float32], n_classes: int) -> Array:
    """Rows of each class for each line of row weights, shape (n_resamples, n_classes)."""
    one_hot = (codes[:, None] == np.arange(n_classes)).astype(np.float32)
    actual: Array = (weights @ one_hot).astype(np.float64)
    return actual


def metric_values(
    metric: Metric,
    codes: Codes,
    arm: Predictions,
    weights: NDArray[np.float32],
    counts: ClassCounts | None = None,
) -> Array:
    """Metric of an arm for each line of row weights, averaged over repeats, shape (n_resamples,)."""
    if isinstance(metric, CountMetric):
        counts = counts or count_classes(codes, arm.predicted, weights, arm.proba.shape[-1])
        return counts.value(metric)
    assert isinstance(metric, ScoreMetric)
    as_double = weights.astype(np.float64)
    values: Array = np.stack([metric.from_scores(codes, proba, as_double) for proba in arm.proba]).mean(axis=0)
    return values


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


def bootstrapped(metric: Metric, codes: Codes, arms: Sequence[Predictions], *, size: int, seed: int) -> Bootstraps:
    """Metric and counts of every arm on the same ``size`` bootstraps."""
    rng = np.random.default_rng([seed, 0xB007])
    values, counts = [], []
    for block in blocks(size, len(codes)):
        weights = bootstrap_weights(codes, block, rng)
        made = count_arms(codes, arms, weights)
        counts.append(made)
        values.append(
            np.stack([metric_values(metric, codes, arm, weights, c) for arm, c in zip(arms, made, strict=True)])
        )
    return Bootstraps(np.concatenate(values, axis=1), [_joined(parts) for parts in zip(*counts, strict=True)])


def count_arms(codes: Codes, arms: Sequence[Predictions], weights: NDArray[np.float32]) -> list[ClassCounts]:
    """Counts of every arm for each line of row weights."""
    n_classes = arms[0].proba.shape[-1]
    actual = count_rows(codes, weights, n_classes)
    return [count_classes(codes, arm.predicted, weights, n_classes, actual) for arm in arms]


def _joined(parts: Sequence[ClassCounts]) -> ClassCounts:
    return ClassCounts(
        np.concatenate([part.hits for part in parts], axis=1),
        np.concatenate([part.predicted for part in parts], axis=1),
        np.concatenate([part.actual for part in parts], axis=0),
    )


def halved(metric: Metric, codes: Codes, arms: Sequence[Predictions], *, size: int, seed: int) -> tuple[Array, Array]:
    """Metric of every arm on random halves and on the other halves, each of shape (n_arms, size)."""
    rng = np.random.default_rng([seed, 0x4A1F])
    chosen, other = [], []
    by_counts = isinstance(metric, CountMetric)
    whole = count_arms(codes, arms, np.ones((1, len(codes)), dtype=np.float32)) if by_counts else []
    for block in blocks(size, len(codes)):
        weights = half_weights(codes, block, rng)
        if isinstance(metric, CountMetric):
            counts = count_arms(codes, arms, weights)
            rest = [part.rest_of(every) for part, every in zip(counts, whole, strict=True)]
            chosen.append(np.stack([part.value(metric) for part in counts]))
            other.append(np.stack([part.value(metric) for part in rest]))
        else:
            chosen.append(np.stack([metric_values(metric, codes, arm, weights) for arm in arms]))
            other.append(np.stack([metric_values(metric, codes, arm, 1 - weights) for arm in arms]))
    return np.concatenate(chosen, axis=1), np.concatenate(other, axis=1)


def permuted(metric: Metric, codes: Codes, arm: Predictions, *, size: int, seed: int) -> Array:
    """Metric of an arm whose rows are shuffled against the labels: its rule without skill, shape (size,)."""
    rng = np.random.default_rng([seed, 0x5C1F])
    n_classes = arm.proba.shape[-1]
    if isinstance(metric, ScoreMetric):
        orders = [rng.permutation(len(codes)) for _ in range(min(size, 20))]
        return np.array([np.mean([metric.from_scores(codes, p[o]) for p in arm.proba]) for o in orders])
    assert isinstance(metric, CountMetric)
    actual = np.bincount(codes, minlength=n_classes)
    named = np.stack([np.bincount(p, minlength=n_classes) for p in arm.predicted])
    hits = np.zeros((len(named), size, n_classes))
    for repeat, counts in enumerate(named):
        # Dealing predictions to classes at random needs their counts only, not the rows.
        for position in range(size):
            left = counts.copy()
            for code in np.flatnonzero(actual):
                dealt = rng.multivariate_hypergeometric(left, actual[code], method="marginals")
                hits[repeat, position, code] = dealt[code]
                left -= dealt
    values: Array = metric.from_counts(
        hits, named[:, None, :].astype(np.float64), actual.astype(np.float64), float(len(codes))
    ).mean(axis=0)
    return values
