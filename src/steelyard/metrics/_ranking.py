"""What the metrics of a ranking share: rows in order of score, ties together, many weightings at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.metrics._base import Array
from steelyard.metrics._counts import class_sums

#: Bytes that one block of resamples may take in each temporary array.
_BLOCK_BYTES = 8_000_000

#: From (positive weight at a score, all weight at it, all weight at or above it), each of shape
#: (n_scores, n_resamples) with the best score first, and both class weights, to a value per resample.
Curve = Callable[[Array, Array, Array, Array, Array], Array]


@dataclass(frozen=True)
class _Ranking:
    """Order of the rows by score of one class, cut at the distinct scores of its own rows.

    A curve only moves in value where a row of the class is, so the others are summed between those places.
    """

    order: NDArray[np.intp]
    edges: NDArray[np.intp]
    own: NDArray[np.intp]
    positives: NDArray[np.intp]
    groups: NDArray[np.intp]

    @classmethod
    def of(cls, score: Array, positive: NDArray[np.bool_]) -> _Ranking:
        order = np.argsort(-score, kind="stable")
        ranked = score[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        places = np.flatnonzero(positive[order])
        group, first = np.unique(np.searchsorted(starts, places, side="right") - 1, return_index=True)
        ends = np.r_[starts[1:], len(score)][group]
        edges = np.unique(np.r_[0, starts[group], ends[ends < len(score)]])
        return cls(order, edges, np.searchsorted(edges, starts[group]), order[places], first)

    def value(self, lines: Array, whole: Array, other: Array, curve: Curve) -> Array:
        """Curve's value for weights of shape (n_samples, n_resamples)."""
        segments = np.add.reduceat(lines[self.order], self.edges, axis=0)
        hit = np.add.reduceat(lines[self.positives], self.groups, axis=0)
        return curve(hit, segments[self.own], np.cumsum(segments, axis=0)[self.own], whole, other)


def one_versus_rest(
    codes: NDArray[np.integer], proba: Array, weights: Array | None, classes: NDArray[np.intp], curve: Curve
) -> Array | float:
    """Mean over classes of a curve's value for each class against the others.

    A class is left out of a resample in which it, or every other class, has no weight.
    """
    codes, proba = np.asarray(codes), np.asarray(proba, dtype=np.float64)
    lines = np.ones((1, len(codes))) if weights is None else np.asarray(weights, dtype=np.float64)
    mass = class_sums(lines, codes, proba.shape[1])
    heavy = (mass > 0).sum(axis=1)
    rankings = [(int(k), _Ranking.of(proba[:, k], codes == k)) for k in classes if (codes == k).any()]
    total, defined = np.zeros(len(lines)), np.zeros(len(lines))
    step = max(1, _BLOCK_BYTES // (8 * max(len(codes), 1)))
    for start in range(0, len(lines), step):
        # One column per resample: a row's weights then lie together in memory and are gathered at once.
        block = np.ascontiguousarray(lines[start : start + step].T)
        for k, ranking in rankings:
            chosen = np.flatnonzero((mass[start : start + step, k] > 0) & (heavy[start : start + step] > 1))
            columns = block if len(chosen) == block.shape[1] else block[:, chosen]
            index = start + chosen
            whole = mass[index, k]
            if len(chosen):
                total[index] += ranking.value(columns, whole, mass[index].sum(axis=1) - whole, curve)
                defined[index] += 1
    mean: Array = np.divide(total, defined, out=np.full(len(lines), np.nan), where=defined > 0)
    return float(mean[0]) if weights is None else mean


def row_mean(loss: Array, weights: Array | None) -> Array | float:
    """Weighted mean of a loss per row; one value per line of weights."""
    if weights is None:
        return float(loss.mean()) if len(loss) else float("nan")
    weights = np.asarray(weights, dtype=np.float64)
    whole = weights.sum(axis=1)
    mean: Array = np.divide(weights @ loss, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return mean
