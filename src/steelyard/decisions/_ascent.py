"""Exact coordinate ascent on the logarithms of class multipliers.

With the other multipliers fixed, each row has one number at which it flips: the multiplier of class k from
which on the row is predicted k. Sorting these numbers visits every distinct outcome of the line search once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steelyard.decisions._base import Array, Codes
from steelyard.metrics import CountMetric, class_counts

#: Flip points closer than this count as one: rounding decides the order within, in prediction as in search.
_SAME_FLIP = 1e-9
_GAIN = 1e-12
_BLOCK_CELLS = 2_000_000
#: Probabilities from which compiled code earns back the time that loading it takes.
COMPILED_FROM = 1 << 18


@dataclass(frozen=True)
class Problem:
    """Scores of known class and the metric to raise.

    Attributes
    ----------
    log_proba : ndarray of shape (n_samples, n_classes)
    codes : ndarray of int, shape (n_samples,)
    metric : CountMetric
    """

    log_proba: Array
    codes: Codes
    metric: CountMetric

    def sample(self, size: int) -> Problem:
        """The same problem on some of the rows: always the same ones."""
        rows = np.sort(np.random.default_rng(0).choice(len(self.codes), size, replace=False))
        return Problem(self.log_proba[rows], self.codes[rows], self.metric)

    @cached_property
    def fraction(self) -> tuple[Array, float, Array] | None:
        """The metric for compiled code; None where NumPy is to do it.

        Only the size decides, so that the same table always gives the same multipliers.
        """
        if self.log_proba.size < COMPILED_FROM:
            return None
        return self.metric.fraction(self.actual, float(len(self.codes)))

    @cached_property
    def actual(self) -> Array:
        """Rows of each class."""
        return np.bincount(self.codes, minlength=self.n_classes).astype(np.float64)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.log_proba.shape[1])

    def value(self, log_multipliers: Array) -> float:
        """Metric of the predictions under these multipliers; higher is better, whatever the metric."""
        if self.fraction is not None:
            from steelyard.decisions._lines import count

            hits, named = np.zeros(self.n_classes), np.zeros(self.n_classes)
            count(self.log_proba, log_multipliers, self.codes, hits, named)
            return self.signed(float(self.metric.from_counts(hits, named, self.actual, float(len(self.codes)))))
        predicted = (self.log_proba + log_multipliers).argmax(axis=1)
        counts = class_counts(self.codes, predicted, self.n_classes)
        return self.signed(float(self.metric.from_counts(*counts, float(len(self.codes)))))

    def signed(self, value: float) -> float:
        """Value turned so that higher is better."""
        return value if self.metric.greater_is_better else -value


@dataclass(frozen=True)
class Line:
    """All distinct outcomes of a change to one class's multiplier, from lowest to highest.

    Attributes
    ----------
    cuts : ndarray of shape (n_cuts,)
        Logarithm of the multiplier, between neighbouring flip points.
    values : ndarray of shape (n_cuts,)
        Metric at each cut, higher is better.
    """

    cuts: Array
    values: Array

    def best(self) -> tuple[float, float]:
        """Best value and its cut; of equally good cuts the middle one."""
        top = float(self.values.max())
        equal = np.flatnonzero(self.values >= top - _GAIN)
        return top, float(self.cuts[equal[len(equal) // 2]])


def ascend(problem: Problem, start: Array, order: Sequence[int], passes: int = 10, least: float = 1e-5) -> Array:
    """Multipliers that no change to a single class improves by more than ``least`` per pass.

    Parameters
    ----------
    problem : Problem
    start : ndarray of shape (n_classes,)
        Logarithms of the multipliers to start from.
    order : sequence of int
        Classes whose multipliers are moved, in this order.
    passes : int
        Times that all classes are visited at most.
    least : float
        Gain of a pass below which it was the last.

    Returns
    -------
    ndarray of shape (n_classes,)
        Never worse than the start.
    """
    current = np.array(start, dtype=np.float64)
    scores = problem.log_proba + current
    best = problem.value(current)
    settled: set[int] = set()
    for _ in range(passes):
        before = best
        for k in order:
            if k in settled:
                continue
            value, cut = best_on_line(problem, scores, k)
            settled.add(k)
            if value > best + _GAIN:
                best, current[k] = value, cut
                scores[:, k] = problem.log_proba[:, k] + cut
                settled = {k}
        if best - before <= least:
            break
    return current


def best_on_line(problem: Problem, scores: Array, k: int) -> tuple[float, float]:
    """Best value over the multipliers of class k, and the logarithm of the multiplier there."""
    if problem.fraction is None:
        return search_line(problem, scores, k).best()
    # Imported here: a small problem is solved before Numba is loaded.
    from steelyard.decisions._lines import best_cut

    sign = 1.0 if problem.metric.greater_is_better else -1.0
    return best_cut(problem.log_proba, scores, problem.codes, k, problem.fraction, sign, _SAME_FLIP)


def search_line(problem: Problem, scores: Array, k: int) -> Line:
    """Metric at every distinct multiplier of class k, the others as they are in ``scores``.

    Parameters
    ----------
    problem : Problem
    scores : ndarray of shape (n_samples, n_classes)
        Log probabilities plus log multipliers; left as they are on return.
    k : int
        The class.
    """
    own = scores[:, k].copy()
    scores[:, k] = -np.inf
    other = scores.argmax(axis=1)
    flips = scores[np.arange(len(scores)), other] - problem.log_proba[:, k]
    scores[:, k] = own
    order = np.argsort(flips)
    sorted_flips = flips[order]
    sweep = _sweep_sums if problem.metric.decomposable else _sweep_counts
    values = sweep(problem, k, other, order)
    # One cut below all flips, one above, one between each two that differ.
    lower, upper = sorted_flips[:-1], sorted_flips[1:]
    cuts, distinct = np.empty(len(order) + 1), np.ones(len(order) + 1, dtype=bool)
    cuts[0], cuts[-1] = sorted_flips[0] - 1.0, sorted_flips[-1] + 1.0
    np.divide(lower + upper, 2, out=cuts[1:-1])
    np.greater(upper - lower, _SAME_FLIP, out=distinct[1:-1])
    values = values if problem.metric.greater_is_better else -values
    return Line(cuts=cuts[distinct], values=values[distinct])


def _sweep_sums(problem: Problem, k: int, other: NDArray[np.intp], order: NDArray[np.intp]) -> Array:
    """Metric after 0, 1, ... rows went over to class k, for metrics that are functions of sums over classes.

    A row that goes over changes the terms of class k and of the class it leaves, no others; so the
    differences are formed class by class and added up in the order of the flips, in O(n log n) for any number
    of classes.
    """
    codes, metric, n = problem.codes, problem.metric, len(problem.codes)
    hits, predicted, actual = class_counts(codes, other, problem.n_classes)
    left, truth = other[order], codes[order]
    # A stable sort of small integers is a radix sort: linear.
    grouped = np.argsort(left.astype(np.uint16 if problem.n_classes < 65536 else np.int64), kind="stable")
    group = left[grouped]
    sizes = np.bincount(group)
    sizes = sizes[sizes > 0]
    first = np.cumsum(sizes) - sizes
    position = np.arange(1.0, n + 1) - np.repeat(first, sizes)
    right = truth[grouped] == group
    running = np.cumsum(right)
    lost = running - np.repeat(running[first] - right[first], sizes)
    after = metric.class_terms(hits[group] - lost, predicted[group] - position, actual[group])
    whole = metric.class_terms(hits, predicted, actual)
    gone = np.arange(n + 1.0)
    won = np.zeros(n + 1)
    np.cumsum(truth == k, out=won[1:])
    own = metric.class_terms(won, gone, np.full(n + 1, actual[k]))
    sums = []
    for term, begin, mine in zip(after, whole, own, strict=True):
        before = np.empty(n)
        before[1:] = term[:-1]
        before[first] = begin[group[first]]
        change = np.zeros(n + 1)
        change[grouped + 1] = term - before
        others = begin.sum() - begin[k]
        sums.append(others + np.cumsum(change) + mine)
    return metric.from_sums(tuple(sums), actual, float(n))


def _sweep_counts(problem: Problem, k: int, other: NDArray[np.intp], order: NDArray[np.intp]) -> Array:
    """Metric after 0, 1, ... rows went over to class k, from all counts at each step, in blocks of rows."""
    n, n_classes = len(problem.codes), problem.n_classes
    hits, predicted, actual = class_counts(problem.codes, other, n_classes)
    values = [problem.metric.from_counts(hits, predicted, actual, float(n))[None]]
    step = max(1, _BLOCK_CELLS // n_classes)
    for start in range(0, n, step):
        rows = order[start : start + step]
        index, left, truth = np.arange(len(rows)), other[rows], problem.codes[rows]
        moved, found = np.zeros((len(rows), n_classes)), np.zeros((len(rows), n_classes))
        moved[index, left] = -1.0
        moved[:, k] += 1.0
        found[index, left] = -1.0 * (truth == left)
        found[:, k] += truth == k
        moved_to, found_to = predicted + np.cumsum(moved, axis=0), hits + np.cumsum(found, axis=0)
        values.append(problem.metric.from_counts(found_to, moved_to, actual, float(n)))
        predicted, hits = moved_to[-1], found_to[-1]
    return np.concatenate(values)
