"""Scores counted in buckets, so that only those are sorted among which the best cut can be.

Buckets are told by the leading bits of the numbers: 32 to each power of two, because scores of rare labels are small.
A table of few buckets stays in the cache, and to sort a twentieth of the rows takes less time than a finer one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Keys = NDArray[np.int64]
Counts = NDArray[Any]

#: Leading bits of 2^-32, below which all is one bucket, and the number of buckets from there to 1.
_SHIFT = 52 - 5
LOWEST = (1023 - 32) << 5
BUCKETS = (1023 << 5) - LOWEST + 1
#: Scores from which compiled code earns back the second that loading it takes; fewer do once it is loaded.
WORTH_LOADING, WORTH_CALLING = 100_000_000, 100_000
_TIE = 1e-12


def tally(scores: Array, positive: NDArray[np.bool_]) -> Counts:
    """Negative and positive rows of each bucket, shape (2, BUCKETS).

    Parameters
    ----------
    scores : ndarray of shape (n_samples,), contiguous
        From 0 to 1 up to rounding.
    positive : ndarray of bool, shape (n_samples,)
    """
    return np.bincount(_bucket(scores) + BUCKETS * positive, minlength=2 * BUCKETS).reshape(2, BUCKETS)


def collect(scores: Array, positive: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> Keys:
    """Keys of the scores in the wanted buckets: twice their bits, which rank as they do, plus 1 for a positive row.

    Scores must not be negative.
    """
    rows = np.flatnonzero(wanted[_bucket(scores)])
    keys: Keys = (scores[rows].view(np.int64) << 1) | positive[rows]
    return keys


def _bucket(scores: Array) -> Keys:
    bucket: Keys = scores.view(np.int64) >> _SHIFT
    bucket -= LOWEST
    np.maximum(bucket, 0, out=bucket)
    return bucket


@dataclass(frozen=True)
class Candidates:
    """The buckets that can hold the best cut.

    Parameters
    ----------
    wanted : ndarray of bool, shape (BUCKETS,)
    before, before_hits : ndarray of int64, shape (BUCKETS,)
        Rows, and positive rows, of higher buckets than each wanted one.
    """

    wanted: NDArray[np.bool_]
    before: Counts
    before_hits: Counts

    @classmethod
    def of(cls, counted: Counts, valued: Callable[[Counts, Counts], Array]) -> Candidates:
        """Buckets in which a cut might be as good as the best between buckets.

        Within a bucket no cut is better than one that takes all its positives and none of its negatives. ``valued``
        gives the value of cuts from hits and selected rows; it has to rise with more of the first, or fewer rows
        for the same hits.
        """
        rows_in = counted[0] + counted[1]
        filled = np.flatnonzero(rows_in)[::-1]
        rows_in, hits_in = rows_in[filled], counted[1, filled]
        after, after_hits = np.cumsum(rows_in), np.cumsum(hits_in)
        before, before_hits = after - rows_in, after_hits - hits_in
        ends = valued(np.concatenate([[0], after_hits]), np.concatenate([[0], after]))
        kept = valued(after_hits, before + hits_in) >= ends.max() - _TIE
        # A cut at the end of a bucket lies halfway to the next score, which is in the bucket that follows.
        kept[1:] |= kept[:-1].copy()
        found = cls(np.zeros(BUCKETS, dtype=bool), np.zeros(BUCKETS, np.int64), np.zeros(BUCKETS, np.int64))
        places = filled[kept]
        found.wanted[places], found.before[places], found.before_hits[places] = True, before[kept], before_hits[kept]
        return found

    def cuts(self, keys: Keys) -> tuple[Array, Array, Counts, Counts]:
        """Cuts between the scores of collected keys: the score above and below each, its hits and selected rows."""
        keys = np.sort(keys)[::-1]
        scores, positive = (keys >> 1).view(np.float64), keys & 1
        bucket = _bucket(scores)
        first = np.flatnonzero(np.concatenate([[True], bucket[1:] != bucket[:-1]]))
        sizes, start = np.diff(np.concatenate([first, [len(keys)]])), bucket[first]
        running = np.cumsum(positive)
        hits = running + np.repeat(self.before_hits[start] - (running - positive)[first], sizes)
        selected = np.arange(1, len(keys) + 1) + np.repeat(self.before[start] - first, sizes)
        # Neighbours here are neighbours among all scores, except across buckets that were left out.
        ends = np.flatnonzero((scores[1:] != scores[:-1]) & (selected[1:] == selected[:-1] + 1))
        return scores[ends], scores[ends + 1], hits[ends], selected[ends]


def compiled_pays(size: int) -> bool:
    """Whether compiled code counts so many scores sooner, the loading of it included; the counts are the same."""
    if size < WORTH_CALLING or (size < WORTH_LOADING and "numba" not in sys.modules):
        return False
    try:
        from steelyard.decisions import _tallies  # noqa: F401
    except ImportError:
        return False
    return True
