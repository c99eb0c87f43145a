"""Small whole numbers counted in one pass, at about the speed of reading them; needs Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.compiled import compiled

#: Numbers from -128 (what marks padding is in there) to 3967 are counted.
_SHIFT, _BINS = 128, 4096


@compiled
def _add(values: NDArray[Any], shift: int, tables: NDArray[np.int64]) -> bool:
    # Four tables in turn: equal labels often follow each other, and a count waits for its last increase.
    bins = np.uint64(tables.shape[1])
    whole = len(values) // 4 * 4
    for i in range(0, whole, 4):
        a = np.uint64(np.int64(values[i]) + shift)
        b = np.uint64(np.int64(values[i + 1]) + shift)
        c = np.uint64(np.int64(values[i + 2]) + shift)
        d = np.uint64(np.int64(values[i + 3]) + shift)
        if max(max(a, b), max(c, d)) >= bins:
            return False
        tables[0, a] += 1
        tables[1, b] += 1
        tables[2, c] += 1
        tables[3, d] += 1
    for i in range(whole, len(values)):
        a = np.uint64(np.int64(values[i]) + shift)
        if a >= bins:
            return False
        tables[0, a] += 1
    return True


@compiled
def _add_bytes(words: NDArray[np.uint64], tables: NDArray[np.int64]) -> None:
    # Neighbours in a mask are mostly equal: eight at a time are compared with the one before.
    ones, low, eight = np.uint64(0x0101010101010101), np.uint64(255), np.uint64(8)
    pattern, run = ones * (words[0] & low), 0
    for i in range(len(words)):
        word = words[i]
        if word == pattern:
            run += 8
            continue
        tables[0, pattern & low] += run
        run = 0
        for table in range(4):
            tables[table, word & low] += 1
            word >>= eight
            tables[table, word & low] += 1
            pattern = ones * (word & low)
            word >>= eight
    tables[0, pattern & low] += run


def _byte_counts(values: NDArray[Any]) -> NDArray[np.int64]:
    """Counts of one-byte numbers, from the lowest of their type on."""
    octets = values.view(np.uint8)
    whole = len(octets) // 8 * 8
    tables = np.zeros((4, 256), np.int64)
    _add_bytes(octets[:whole].view(np.uint64), tables)
    counts = tables.sum(axis=0) + np.bincount(octets[whole:], minlength=256)
    return np.roll(counts, _SHIFT) if values.dtype.kind == "i" else counts


def small_counts(values: NDArray[Any]) -> tuple[int, NDArray[np.int64]] | None:
    """Counts of whole numbers from ``low`` on (0, or the least when it is negative); None when one is not small."""
    shift = _SHIFT if values.dtype.kind == "i" else 0
    if values.dtype.itemsize == 1 and values.flags.c_contiguous:
        counts = _byte_counts(values)
    else:
        tables = np.zeros((4, _BINS), np.int64)
        if not _add(values, shift, tables):
            return None
        counts = tables.sum(axis=0)
    present = np.flatnonzero(counts)
    first = min(int(present[0]), shift)
    return first - shift, counts[first : present[-1] + 1]


@compiled
def _add_words(words: NDArray[np.uint32], slots: NDArray[np.int64], first: NDArray[np.int64], counts: Any) -> int:
    """Counts of equal rows through a hash table of ``slots``; the number of different rows, -1 when too many."""
    distinct = 0
    mask = len(slots) - 1
    for row in range(words.shape[0]):
        key = np.uint64(0)
        for word in words[row]:
            key = (key ^ np.uint64(word)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        slot = np.int64(key) & mask
        while True:
            known = slots[slot]
            if known < 0:
                if distinct == len(first):
                    return -1
                slots[slot], first[distinct], counts[distinct] = distinct, row, 1
                distinct += 1
                break
            same = True
            for place in range(words.shape[1]):
                same = same and words[row, place] == words[first[known], place]
            if same:
                counts[known] += 1
                break
            slot = (slot + 1) & mask
    return distinct


def text_counts(values: NDArray[np.str_]) -> tuple[list[str], NDArray[np.int64]] | None:
    """Different texts of a NumPy text array, in the order they appear, and their counts; None when very many."""
    width = values.dtype.itemsize // 4
    words = np.ascontiguousarray(values).view(np.uint32).reshape(len(values), width)
    slots, first = np.full(4 * _BINS, -1, np.int64), np.zeros(_BINS, np.int64)
    counts = np.zeros(_BINS, np.int64)
    distinct = _add_words(words, slots, first, counts)
    return None if distinct < 0 else (values[first[:distinct]].tolist(), counts[:distinct])
