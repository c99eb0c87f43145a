"""Growing and reading decision trees, compiled.

Callers and kernels of one forest live in one module each, because Numba's cache watches the defining file only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from steelyard.compiled import compiled

#: Differences below this make a column constant, as in scikit-learn.
_SAME = np.float32(1e-7)


@compiled
def _random(state: Any) -> float:
    """Next number of splitmix64, in [0, 1); ``state`` holds one unsigned integer."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def _cut_at_random(
    column: Any, rows: Any, codes: Any, weight: Any, low: float, high: float, u: float, work: Any
) -> Any:
    """Threshold drawn between the extremes, and the purity of the two sides."""
    cut = np.float32(low + u * (high - low))
    if cut >= high:
        cut = np.float32(low)
    left, right = work[0], work[1]
    left[:] = 0.0
    right[:] = 0.0
    n_left = 0
    for i in rows:
        if column[i] <= cut:
            left[codes[i]] += weight[i]
            n_left += 1
        else:
            right[codes[i]] += weight[i]
    return cut, _purity(left) + _purity(right), n_left


@compiled
def _purity(sums: Any) -> float:
    """Sum of squared class weights over their sum: the larger, the purer."""
    total, squares = 0.0, 0.0
    for value in sums:
        total += value
        squares += value * value
    return squares / total if total > 0 else 0.0


@compiled
def _best_cut(column: Any, rows: Any, codes: Any, weight: Any, min_leaf: int, work: Any) -> Any:
    """Threshold with the purest sides among all midpoints between neighbouring values."""
    values = column[rows]
    order = np.argsort(values)
    left, right = work[0], work[1]
    left[:] = 0.0
    right[:] = 0.0
    for i in rows:
        right[codes[i]] += weight[i]
    left_total, right_total, left_squares, right_squares = 0.0, 0.0, 0.0, 0.0
    for value in right:
        right_total += value
        right_squares += value * value
    best, cut, best_left = -1.0, np.float32(0.0), 0
    n = len(rows)
    for place in range(n - 1):
        i = rows[order[place]]
        k, w = codes[i], weight[i]
        left_squares += w * (2.0 * left[k] + w)
        right_squares += w * (w - 2.0 * right[k])
        left[k] += w
        right[k] -= w
        left_total += w
        right_total -= w
        here, there = values[order[place]], values[order[place + 1]]
        if there <= here + _SAME or place + 1 < min_leaf or n - place - 1 < min_leaf:
            continue
        value = left_squares / left_total + right_squares / right_total
        if value > best:
            best, best_left = value, place + 1
            cut = np.float32(0.5) * (here + there)
            if cut >= there:
                cut = here
    return cut, best, best_left


@compiled
def _split(
    X: Any,
    rows: Any,
    codes: Any,
    weight: Any,
    max_features: int,
    min_leaf: int,
    at_random: bool,
    state: Any,
    features: Any,
    work: Any,
) -> Any:
    """Feature and threshold of the purest split among some features; -1 where there is none."""
    best, feature, threshold = -1.0, -1, np.float32(0.0)
    tried, remaining = 0, len(features)
    while remaining > 0 and tried < max_features:
        drawn = int(_random(state) * remaining)
        remaining -= 1
        candidate = features[drawn]
        features[drawn] = features[remaining]
        features[remaining] = candidate
        column = X[candidate]
        low = column[rows[0]]
        high = low
        for i in rows:
            value = column[i]
            if value < low:
                low = value
            elif value > high:
                high = value
        if high <= low + _SAME:
            continue
        # Columns that are constant here do not count as tried: they cannot part the rows.
        tried += 1
        if at_random:
            cut, value, n_left = _cut_at_random(column, rows, codes, weight, low, high, _random(state), work)
            if n_left < min_leaf or len(rows) - n_left < min_leaf:
                continue
        else:
            cut, value, n_left = _best_cut(column, rows, codes, weight, min_leaf, work)
        if value > best:
            best, feature, threshold = value, candidate, cut
    return feature, threshold


@compiled
def _partition(column: Any, rows: Any, cut: float) -> int:
    """Bring the rows at or below the cut to the front; their number."""
    i, j = 0, len(rows) - 1
    while i <= j:
        if column[rows[i]] <= cut:
            i += 1
        else:
            swapped = rows[i]
            rows[i] = rows[j]
            rows[j] = swapped
            j -= 1
    return i


@compiled
def grow(
    X: Any,
    codes: Any,
    weight: Any,
    rows: Any,
    n_classes: int,
    max_features: int,
    min_leaf: int,
    at_random: bool,
    seed: int,
    feature: Any,
    threshold: Any,
    child: Any,
    leaf: Any,
    mixed: Any,
) -> Any:
    """Grow one tree until its leaves are pure or too small; the number of its nodes and of mixed leaves.

    Parameters
    ----------
    X : ndarray of float32, shape (n_columns, n_rows)
    codes, weight : ndarray of shape (n_rows,)
    rows : ndarray of int64
        Rows to grow on, each once; put in another order.
    feature, threshold, child, leaf : ndarray of shape (2 * len(rows) - 1,)
        Filled in: the column that is asked (-1 in a leaf), the cut, the first of two children, and for a leaf its
        class, or ``n_classes`` plus its place in ``mixed``.
    mixed : ndarray of float32, shape (len(rows), n_classes)
        Filled in: class shares of leaves that are not pure.
    """
    state = np.array([np.uint64(seed)], dtype=np.uint64)
    features = np.arange(X.shape[0])
    work = np.zeros((2, n_classes))
    sums = np.zeros(n_classes)
    starts, ends, nodes = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    starts[0], ends[0], nodes[0] = 0, len(rows), 0
    depth, n_nodes, n_mixed = 1, 1, 0
    while depth > 0:
        depth -= 1
        start, end, node = starts[depth], ends[depth], nodes[depth]
        here = rows[start:end]
        sums[:] = 0.0
        for i in here:
            sums[codes[i]] += weight[i]
        present, last = 0, 0
        for k in range(n_classes):
            if sums[k] > 0:
                present += 1
                last = k
        column = -1
        if present > 1 and end - start >= 2 * min_leaf:
            column, cut = _split(X, here, codes, weight, max_features, min_leaf, at_random, state, features, work)
        feature[node] = column
        if column < 0:
            threshold[node], child[node] = 0.0, 0
            if present <= 1:
                leaf[node] = last
            else:
                total = sums.sum()
                for k in range(n_classes):
                    mixed[n_mixed, k] = sums[k] / total
                leaf[node] = n_classes + n_mixed
                n_mixed += 1
            continue
        middle = start + _partition(X[column], here, cut)
        threshold[node], child[node], leaf[node] = cut, n_nodes, -1
        starts[depth], ends[depth], nodes[depth] = start, middle, n_nodes
        starts[depth + 1], ends[depth + 1], nodes[depth + 1] = middle, end, n_nodes + 1
        depth += 2
        n_nodes += 2
    return n_nodes, n_mixed


@compiled
def read(X: Any, roots: Any, feature: Any, threshold: Any, child: Any, leaf: Any, mixed: Any, out: Any) -> None:
    """Add up the class shares of the leaves that rows fall into, over all trees.

    Parameters
    ----------
    X : ndarray of float32, shape (n_rows, n_columns)
    roots : ndarray of int64, shape (n_trees,)
        First node of each tree; the other arrays hold the nodes of all trees.
    out : ndarray of float64, shape (n_rows, n_classes)
    """
    n_classes = out.shape[1]
    for root in roots:
        for i in range(len(X)):
            node = root
            while feature[node] >= 0:
                node = child[node] + (0 if X[i, feature[node]] <= threshold[node] else 1)
            value = leaf[node]
            if value < n_classes:
                out[i, value] += 1.0
            else:
                for k in range(n_classes):
                    out[i, k] += mixed[value - n_classes, k]
