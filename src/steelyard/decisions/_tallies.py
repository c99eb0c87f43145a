"""Scores of many labels counted in buckets by compiled code, in one pass over the table as it lies.

The same counts and keys as :func:`steelyard.decisions._buckets.tally` and ``collect`` give for one label, which are the
reference. Kernels and what they need stay in this one file: Numba's cache watches nothing else.
"""

from __future__ import annotations

from typing import Any

from steelyard.compiled import compiled

_SHIFT, _LOWEST = 52 - 5, (1023 - 32) << 5
#: What is asked of a bucket, added up: its keys, its lowest score, its highest.
KEYS, LOW, HIGH = 1, 2, 4


@compiled
def tally_labels(bits: Any, kinds: Any, counted: Any) -> int:
    """Count the rows of each label, kind and bucket; returns the lowest bits, below 0 where a score is.

    Parameters
    ----------
    bits : int64 (n_rows, n_labels)
        Those of the scores.
    kinds : uint8 (n_rows, n_labels)
        0, 1, or 2 where it is not known.
    counted : int32 (n_labels, 3, BUCKETS)
        Takes the counts.
    """
    n, n_labels = bits.shape
    lowest: int = bits[0, 0]
    for i in range(n):
        for j in range(n_labels):
            key = bits[i, j]
            lowest = min(lowest, key)
            counted[j, kinds[i, j], max((key >> _SHIFT) - _LOWEST, 0)] += 1
    return lowest


@compiled
def collect_labels(bits: Any, kinds: Any, asked: Any, edges: Any, filled: Any, keys: Any) -> None:
    """Keys of the scores in wanted buckets, one label after the other, and the lowest and highest score.

    Parameters
    ----------
    bits, kinds : ndarray of shape (n_rows, n_labels)
        As above, no bits below 0.
    asked : uint8 (n_labels, BUCKETS)
        What is asked of each bucket.
    edges : int64 (n_labels, 2)
        Takes the bits of the lowest and the highest score; begins with some that are higher and lower.
    filled : int64 (n_labels,)
        Where the keys of each label begin; moved on to where they end.
    keys : int64 (n_keys,)
        Takes the keys.
    """
    n, n_labels = bits.shape
    for i in range(n):
        for j in range(n_labels):
            key = bits[i, j]
            what = asked[j, max((key >> _SHIFT) - _LOWEST, 0)]
            if what and kinds[i, j] < 2:
                if what & KEYS:
                    keys[filled[j]] = (key << 1) | kinds[i, j]
                    filled[j] += 1
                if what & LOW:
                    edges[j, 0] = min(edges[j, 0], key)
                if what & HIGH:
                    edges[j, 1] = max(edges[j, 1], key)
