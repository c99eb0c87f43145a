"""Line searches over one class's multiplier in compiled code, for metrics that are sums of fractions.

The same search as :func:`steelyard.decisions._ascent.search_line` makes in NumPy, which is the reference. Kernels and
what they call stay in this one file: Numba's cache watches nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.compiled import compiled

Array = NDArray[np.float64]

#: Flip points are whole numbers while they are sorted: they lie within plus and minus this, in this many bits.
_REACH, _BITS = 256.0, 62


@compiled
def count(log_proba: Array, log_multipliers: Array, codes: Any, hits: Array, predicted: Array) -> None:
    """Add hits and predictions of each class to what is there."""
    n_classes = log_proba.shape[1]
    for i in range(log_proba.shape[0]):
        best, found = log_proba[i, 0] + log_multipliers[0], 0
        for j in range(1, n_classes):
            score = log_proba[i, j] + log_multipliers[j]
            if score > best:
                best, found = score, j
        predicted[found] += 1.0
        if codes[i] == found:
            hits[found] += 1.0


@compiled
def _flips(log_proba: Array, scores: Array, codes: Any, k: int, step: float, shift: int, keys: Any) -> None:
    """For each row the multiplier of class k at which it flips, and in the lowest bits what it leaves.

    Those bits hold four times the best other class, plus 1 where that is the true one, or 2 where class k is.
    """
    n_classes = scores.shape[1]
    for i in range(scores.shape[0]):
        best, left = -np.inf, 0
        for j in range(k):
            if scores[i, j] > best:
                best, left = scores[i, j], j
        for j in range(k + 1, n_classes):
            if scores[i, j] > best:
                best, left = scores[i, j], j
        kind = 1 if codes[i] == left else 2 if codes[i] == k else 0
        flip = min(max(best - log_proba[i, k], -_REACH), _REACH)
        keys[i] = (np.int64((flip + _REACH) * step) << shift) | (4 * left + kind)


@compiled
def _term(hits: float, predicted: float, factor: float, by_predicted: float, rest: float) -> float:
    below = by_predicted * predicted + rest
    return factor * hits / below if below > 0 else 0.0


@compiled
def _sweep(
    keys: Any,
    shift: int,
    same: int,
    k: int,
    factor: Array,
    by_predicted: float,
    rest: Array,
    sign: float,
    values: Array,
) -> tuple[float, int]:
    """Best value and the number of rows that have gone over at it; of equally good ones the middle one."""
    n, n_classes = len(keys), len(factor)
    hits, predicted = np.zeros(n_classes), np.zeros(n_classes)
    mask = (1 << shift) - 1
    for i in range(n):
        left = (keys[i] & mask) >> 2
        predicted[left] += 1.0
        hits[left] += keys[i] & 1
    terms = np.zeros(n_classes)
    value = 0.0
    for c in range(n_classes):
        terms[c] = _term(hits[c], predicted[c], factor[c], by_predicted, rest[c])
        value += terms[c]
    values[0] = sign * value
    top = values[0]
    for i in range(n):
        left = (keys[i] & mask) >> 2
        predicted[left] -= 1.0
        predicted[k] += 1.0
        hits[left] -= keys[i] & 1
        hits[k] += (keys[i] >> 1) & 1
        new, own = (
            _term(hits[left], predicted[left], factor[left], by_predicted, rest[left]),
            _term(hits[k], predicted[k], factor[k], by_predicted, rest[k]),
        )
        value += (new - terms[left]) + (own - terms[k])
        terms[left], terms[k] = new, own
        # Rows that flip at the same point are never parted.
        if i + 1 < n and (keys[i + 1] >> shift) - (keys[i] >> shift) <= same:
            values[i + 1] = -np.inf
        else:
            values[i + 1] = sign * value
            top = max(top, values[i + 1])
    equal = 0
    for i in range(n + 1):
        equal += values[i] >= top - 1e-12
    wanted = equal // 2
    for i in range(n + 1):
        if values[i] >= top - 1e-12:
            if wanted == 0:
                return top, i
            wanted -= 1
    return top, 0


def best_cut(
    log_proba: Array,
    scores: Array,
    codes: NDArray[np.int64],
    k: int,
    fraction: tuple[Array, float, Array],
    sign: float,
    same: float,
) -> tuple[float, float]:
    """Best value of a line and the logarithm of the multiplier there.

    Parameters
    ----------
    log_proba, scores : ndarray of shape (n_samples, n_classes)
        C-contiguous; without and with the log multipliers.
    codes : ndarray of int64, shape (n_samples,)
    k : int
        The class.
    fraction : (factor (n_classes,), by_predicted, rest (n_classes,))
        The metric, as :meth:`CountMetric.fraction` gives it.
    sign : float
        -1 for a metric of which less is better; the value is turned.
    same : float
        Distance of flip points that count as one.
    """
    n = len(codes)
    shift = int(4 * scores.shape[1]).bit_length()
    step = 2.0 ** (_BITS - shift) / (2 * _REACH)
    keys, values = np.empty(n, np.int64), np.empty(n + 1)
    _flips(log_proba, scores, codes, k, step, shift, keys)
    keys.sort()
    top, gone = _sweep(keys, shift, round(same * step), k, *fraction, sign, values)
    near = (keys[max(gone - 1, 0) : gone + 1] >> shift) / step - _REACH
    if gone == 0:
        return top, float(near[0]) - 1.0
    return top, float(near[-1]) + 1.0 if gone == n else float(near.mean())
