"""The draws of :mod:`steelyard.samplers._draws` in NumPy, bit for bit: for tests, and where Numba is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_ROUND = np.uint64(0xD1B54A32D192ED03)
_LOW = np.uint64(0xFFFFFFFF)

#: Arrays of uint64.
Words = NDArray[Any]


def _words(values: Any) -> Words:
    # At least one dimension: NumPy warns of the overflow of scalars, which is meant here.
    return np.atleast_1d(np.asarray(values)).astype(np.uint64)


def _mix(z: Words) -> Words:
    z = (z ^ (z >> 30)) * _FIRST
    z = (z ^ (z >> 27)) * _SECOND
    mixed: Words = z ^ (z >> 31)
    return mixed


def _high(a: Words, b: Words) -> Words:
    """Upper 64 bits of the product, from products of halves."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> 32, b & _LOW, b >> 32
    middle = a_high * b_low + (a_low * b_low >> 32)
    other = a_low * b_high + (middle & _LOW)
    high: Words = a_high * b_high + (middle >> 32) + (other >> 32)
    return high


def _permuted(key: Words, size: Words, left_size: Words, right_size: Words, place: Words) -> Words:
    key, size, left_size, right_size, place = (
        array.copy() for array in np.broadcast_arrays(key, size, left_size, right_size, place)
    )
    left, right = place // right_size, place % right_size
    outside = np.arange(len(place))
    while outside.size:
        a, b = left_size[outside], right_size[outside]
        x, y = left[outside], right[outside]
        rounds = np.where(size[outside] < 16, 24, np.where(size[outside] < 256, 12, 6))
        for number in range(0, int(rounds.max()), 2):
            step = key[outside] + _ROUND * _words(number)
            left_next = x + _high(_mix(step + _GOLDEN * y), a)
            left_next = np.where(left_next >= a, left_next - a, left_next)
            right_next = y + _high(_mix(step + _ROUND + _GOLDEN * left_next), b)
            right_next = np.where(right_next >= b, right_next - b, right_next)
            x, y = np.where(number < rounds, left_next, x), np.where(number < rounds, right_next, y)
        left[outside], right[outside] = x, y
        place[outside] = x * b + y
        outside = outside[place[outside] >= size[outside]]
    return place


def _positions(first: int, stride: int, out: NDArray[Any]) -> NDArray[np.int64]:
    return first + np.arange(len(out), dtype=np.int64) * stride


def group(labels: NDArray[Any], low: int, rank: NDArray[np.int64], starts: NDArray[np.int64], order: Any) -> None:
    """Write into ``order`` the rows of each class, one class after another; rank -1 leaves a row out."""
    codes = rank[labels.astype(np.int64) - low]
    rows = np.argsort(codes, kind="stable")
    order[:] = rows[np.count_nonzero(codes < 0) :]


def alias_table(weights: NDArray[np.float64], total: float) -> NDArray[np.uint64]:
    """Alias table of the weights (Vose): in each cell the threshold (upper 32 bits) and the alias (lower)."""
    n = len(weights)
    scaled = (weights / total * n).tolist()
    cells = [(0xFFFFFFFF << 32) | row for row in range(n)]
    small = [row for row in range(n) if scaled[row] < 1.0]
    large = [row for row in range(n) if scaled[row] >= 1.0]
    while small and large:
        under, over = small.pop(), large[-1]
        cells[under] = (int(scaled[under] * 4294967296.0) << 32) | over
        scaled[over] -= 1.0 - scaled[under]
        if scaled[over] < 1.0:
            small.append(large.pop())
    return np.array(cells, np.uint64)


def draw_alias(key: int, first: int, stride: int, cells: NDArray[np.uint64], out: NDArray[Any]) -> None:
    """Rows by their weights, at positions first, first + stride, ..."""
    word = _mix(_words(key) + _GOLDEN * _words(_positions(first, stride, out) + 1))
    out[:] = _from_cells(word, cells)


def _from_cells(word: Words, cells: NDArray[np.uint64]) -> NDArray[np.int64]:
    size = _words(len(cells))
    place = _high(word, size).astype(np.int64)
    cell = cells[place]
    return np.where((word * size) >> 32 < cell >> 32, place, (cell & _LOW).astype(np.int64))


def draw_classes(
    key: int,
    first: int,
    stride: int,
    cells: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    order: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Rows by class and then evenly within it, with replacement, at positions first, first + stride, ..."""
    counter = _words(_positions(first, stride, out)) * np.uint64(2)
    word = _mix(_words(key) + _GOLDEN * (counter + np.uint64(1)))
    code = _from_cells(word, cells)
    # Among equal shares no alias is ever taken, and what the class left of the word chooses the row.
    even = (cells >> 32 == _LOW).all()
    rest = word * _words(len(cells)) if even else _mix(_words(key) + _GOLDEN * (counter + np.uint64(2)))
    within = _high(rest, _words(np.diff(offsets))[code])
    out[:] = order[offsets[code] + within.astype(np.int64)]


def draw_rounds(
    class_key: int,
    row_key: int,
    first: int,
    stride: int,
    pattern: NDArray[np.int64],
    offsets: NDArray[np.int64],
    widths: NDArray[np.uint64],
    order: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Rows by class, each row of a class once before any comes again; see the compiled twin."""
    if not len(out):
        return
    length = len(pattern)
    positions = _positions(first, stride, out)
    rounds, inverse = np.unique(positions // length, return_inverse=True)
    classes = np.tile(pattern, (len(rounds), 1))
    round_key = _mix(_words(class_key) + _GOLDEN * _words(rounds + 1))
    every = np.arange(len(rounds))
    for last in range(length - 1, 0, -1):
        swap = _high(_mix(round_key + _GOLDEN * _words(last)), _words(last + 1)).astype(np.int64)
        moved = classes[every, swap]
        classes[every, swap] = classes[:, last]
        classes[:, last] = moved
    quota = np.bincount(pattern, minlength=len(offsets) - 1)
    # The places of a round, sorted by class, are the first turn, the second, ... of each class.
    by_class = np.argsort(classes, axis=1, kind="stable")
    turns = np.empty_like(classes)
    count = np.arange(length) - np.repeat(np.cumsum(quota) - quota, quota)
    np.put_along_axis(turns, by_class, np.broadcast_to(count, classes.shape), axis=1)
    code = classes[inverse, positions % length]
    size = np.diff(offsets)[code]
    turn = positions // length * quota[code] + turns[inverse, positions % length]
    cycle = turn // size
    key = _mix(_mix(_words(row_key) + _GOLDEN * _words(code + 1)) + _GOLDEN * _words(cycle + 1))
    within = _permuted(key, _words(size), widths[code, 0], widths[code, 1], _words(turn % size))
    out[:] = order[offsets[code] + within.astype(np.int64)]


def repeated(cumulative: NDArray[np.int64], offset: int, out: NDArray[Any]) -> None:
    """Row at each of ``len(out)`` evenly spaced marks on the cumulative repeat factors, from ``offset`` on."""
    whole, rest = divmod(int(cumulative[-1]), len(out))
    mark = np.arange(len(out), dtype=np.int64)
    out[:] = np.searchsorted(cumulative, mark * whole + mark * rest // len(out) + offset, side="right")


def draw_permuted(
    key: int, first: int, stride: int, widths: NDArray[np.uint64], table: NDArray[Any], out: NDArray[Any]
) -> None:
    """Entries of a table in a keyed random order, at positions first, first + stride, ..."""
    place = _words(_positions(first, stride, out))
    size = _words(len(table))
    out[:] = table[_permuted(_words(key), size, widths[:1], widths[1:], place).astype(np.int64)]


def tally(rows: NDArray[Any], times: NDArray[np.int64]) -> None:
    """Add to ``times`` how often each row occurs."""
    np.add.at(times, rows, 1)
