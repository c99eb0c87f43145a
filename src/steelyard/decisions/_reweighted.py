"""Exact coordinate ascent on class multipliers for rows that weigh differently.

The same search as in ``_ascent``, where every row counts one: each row flips to class k at one multiplier; sorted,
these flips visit every outcome of the line search once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steelyard.decisions._base import Array, Codes
from steelyard.metrics import CountMetric, class_counts

#: Flips closer than this count as one: rounding decides the order within.
_SAME_FLIP = 1e-9
_GAIN = 1e-12


@dataclass(frozen=True)
class WeightedRows:
    """Scores of known class, weights of the rows, and the metric to raise.

    Attributes
    ----------
    logs : ndarray of shape (n_samples, n_classes)
        Logarithms of probabilities.
    codes : ndarray of int64, shape (n_samples,)
    weight : ndarray of shape (n_samples,)
    metric : CountMetric
    """

    logs: Array
    codes: Codes
    weight: Array
    metric: CountMetric

    def value(self, log_multipliers: Array) -> float:
        """Metric of the predictions under these multipliers, turned so that higher is better."""
        predicted = (self.logs + log_multipliers).argmax(axis=1)
        counts = class_counts(self.codes, predicted, self.logs.shape[1], self.weight)
        return self.sign * float(self.metric.from_counts(*counts, self.total))

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return float(self.weight.sum())

    @property
    def sign(self) -> float:
        """-1 for a metric that is better when lower."""
        return 1.0 if self.metric.greater_is_better else -1.0


def ascend_rows(rows: WeightedRows, start: Array, order: Sequence[int], passes: int = 4) -> Array:
    """Multipliers (logarithms) that no change to a single class improves, or those after so many passes.

    Never worse on these rows than the start.
    """
    current = np.array(start, dtype=np.float64)
    scores = rows.logs + current
    best = rows.value(current)
    for _ in range(passes):
        before = best
        for k in order:
            value, cut = _line(rows, scores, k)
            if value > best + _GAIN:
                best, current[k] = value, cut
                scores[:, k] = rows.logs[:, k] + cut
        if best <= before + 1e-9:
            break
    return current


def _line(rows: WeightedRows, scores: Array, k: int) -> tuple[float, float]:
    """Best value over all multipliers of class k, and the middle one of equally good cuts."""
    own = scores[:, k].copy()
    scores[:, k] = -np.inf
    other = scores.argmax(axis=1)
    flips = scores[np.arange(len(scores)), other] - rows.logs[:, k]
    scores[:, k] = own
    order = np.argsort(flips)
    ordered = flips[order]
    sweep = _by_sums if rows.metric.decomposable else _by_counts
    values = rows.sign * sweep(rows, k, other, order)
    cuts = np.r_[ordered[0] - 1.0, (ordered[:-1] + ordered[1:]) / 2, ordered[-1] + 1.0]
    distinct = np.r_[True, np.diff(ordered) > _SAME_FLIP, True]
    values, cuts = values[distinct], cuts[distinct]
    top = values.max()
    equal = np.flatnonzero(values >= top - _GAIN)
    return float(top), float(cuts[equal[len(equal) // 2]])


def _by_sums(rows: WeightedRows, k: int, other: Codes, order: Codes) -> Array:
    """Metric after 0, 1, ... rows went over to class k, for metrics that are functions of sums over classes."""
    metric, n_classes, n = rows.metric, rows.logs.shape[1], len(order)
    hits, predicted, actual = class_counts(rows.codes, other, n_classes, rows.weight)
    left, truth, weight = other[order], rows.codes[order], rows.weight[order]
    grouped = np.argsort(left.astype(np.uint16 if n_classes < 65536 else np.int64), kind="stable")
    group = left[grouped]
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    sizes = np.diff(np.r_[first, n])

    def lost(values: Array) -> Array:
        running = np.cumsum(values)
        since: Array = running - np.repeat(running[first] - values[first], sizes)
        return since

    gone = lost(weight[grouped])
    hit = lost(weight[grouped] * (truth[grouped] == group))
    after = metric.class_terms(hits[group] - hit, predicted[group] - gone, actual[group])
    whole = metric.class_terms(hits, predicted, actual)
    won = np.r_[0.0, np.cumsum(weight * (truth == k))]
    own = metric.class_terms(won, np.r_[0.0, np.cumsum(weight)], np.full(n + 1, actual[k]))
    sums = []
    for term, begin, mine in zip(after, whole, own, strict=True):
        before = np.empty(n)
        before[1:] = term[:-1]
        before[first] = begin[group[first]]
        change = np.zeros(n + 1)
        change[grouped + 1] = term - before
        sums.append(begin.sum() - begin[k] + np.cumsum(change) + mine)
    return metric.from_sums(tuple(sums), actual, rows.total)


def _by_counts(rows: WeightedRows, k: int, other: Codes, order: Codes) -> Array:
    """The same from all counts at each step, for any metric of counts."""
    n, n_classes = len(order), rows.logs.shape[1]
    hits, predicted, actual = class_counts(rows.codes, other, n_classes, rows.weight)
    left, truth, weight, index = other[order], rows.codes[order], rows.weight[order], np.arange(1, n + 1)
    moved, found = np.zeros((n + 1, n_classes)), np.zeros((n + 1, n_classes))
    moved[index, left] -= weight
    moved[index, k] += weight
    found[index, left] -= weight * (truth == left)
    found[index, k] += weight * (truth == k)
    return rows.metric.from_counts(
        hits + np.cumsum(found, axis=0), predicted + np.cumsum(moved, axis=0), actual, rows.total
    )
