"""Draws in compiled code: each row drawn is a pure function of a key and a position.

The generator is counter-based (SplitMix64's output function applied to key + position), so a chunk, a rank and a
resumed run draw what an uninterrupted run draws. :mod:`steelyard.samplers._reference` holds the same functions in
NumPy, with the same bits. Kernels and what they call stay in this one file: Numba's cache watches nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from steelyard.compiled import compiled

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_ROUND = np.uint64(0xD1B54A32D192ED03)
_LOW = np.uint64(0xFFFFFFFF)
_ONE, _TWO, _32 = np.uint64(1), np.uint64(2), np.uint64(32)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
#: Positions worked on together: their random words first, then their reads from memory, which so overlap.
_BLOCK = 512


def _high_code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    wide = ir.IntType(128)
    product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
    return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))


def _high_typed(typing_context: Any, a: Any, b: Any) -> Any:
    return types.uint64(types.uint64, types.uint64), _high_code


#: Upper 64 bits of the product of two uint64: one instruction, where Python code takes four multiplications.
_high: Any = intrinsic(_high_typed)


def _prefetch_code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    word = ir.IntType(32)
    pointer = builder.inttoptr(args[0], ir.PointerType(ir.IntType(8)))
    form = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
    load = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], form)
    builder.call(load, [pointer, *(ir.Constant(word, value) for value in (0, 3, 1))])
    return context.get_dummy_value()


def _prefetch_typed(typing_context: Any, address: Any) -> Any:
    return types.void(types.int64), _prefetch_code


#: Ask for the memory at an address ahead of its use: random reads are what draws wait for.
_prefetch: Any = intrinsic(_prefetch_typed)


@compiled
def _mix(z: Any) -> Any:
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@compiled
def _permuted(key: Any, size: Any, left_size: Any, right_size: Any, place: Any) -> Any:
    """Where a keyed permutation of ``size`` places puts ``place``: a Feistel network that walks back inside."""
    left = place // right_size
    right = place - left * right_size
    # Each round moves few places in few ways when there are few, so it takes more rounds to reach every order.
    rounds = 24 if size < 16 else 12 if size < 256 else 6
    while True:
        for number in range(0, rounds, 2):
            step = key + _ROUND * np.uint64(number)
            # Below its size a side wraps to a huge number when its size is taken off, so the lesser is the remainder.
            left += _high(_mix(step + _GOLDEN * right), left_size)
            left = min(left, left - left_size)
            right += _high(_mix(step + _ROUND + _GOLDEN * left), right_size)
            right = min(right, right - right_size)
        place = left * right_size + right
        if place < size:
            return place


@compiled
def group(labels: NDArray[Any], low: int, rank: NDArray[np.int64], starts: NDArray[np.int64], order: Any) -> None:
    """Write into ``order`` the rows of each class, one class after another; rank -1 leaves a row out."""
    cursor = starts.copy()
    for row in range(len(labels)):
        code = rank[np.int64(labels[row]) - low]
        if code >= 0:
            order[cursor[code]] = row
            cursor[code] += 1


@compiled
def alias_table(weights: NDArray[np.float64], total: float) -> NDArray[np.uint64]:
    """Alias table of the weights (Vose): in each cell the threshold (upper 32 bits) and the alias (lower)."""
    n = len(weights)
    cells = np.empty(n, np.uint64)
    scaled = np.empty(n, np.float64)
    stack = np.empty(n, np.uint32)
    small, large = 0, n
    for row in range(n):
        scaled[row] = weights[row] / total * n
        cells[row] = (_LOW << _32) | np.uint64(row)
        if scaled[row] < 1.0:
            stack[small] = row
            small += 1
        else:
            large -= 1
            stack[large] = row
    while small > 0 and large < n:
        small -= 1
        under, over = stack[small], stack[large]
        cells[under] = (np.uint64(scaled[under] * 4294967296.0) << _32) | np.uint64(over)
        scaled[over] -= 1.0 - scaled[under]
        if scaled[over] < 1.0:
            large += 1
            stack[small] = over
            small += 1
    return cells


@compiled
def draw_alias(key: Any, first: int, stride: int, cells: NDArray[np.uint64], out: NDArray[Any]) -> None:
    """Rows by their weights, at positions first, first + stride, ..."""
    size = np.uint64(len(cells))
    address = np.int64(cells.ctypes.data)
    places = np.empty(_BLOCK, np.int64)
    parts = np.empty(_BLOCK, np.uint64)
    for start in range(0, len(out), _BLOCK):
        n = min(_BLOCK, len(out) - start)
        for j in range(n):
            word = _mix(key + _GOLDEN * np.uint64(first + (start + j) * stride + 1))
            places[j] = np.int64(_high(word, size))
            parts[j] = (word * size) >> _32
            _prefetch(address + 8 * places[j])
        for j in range(n):
            cell = cells[places[j]]
            out[start + j] = places[j] if parts[j] < (cell >> _32) else np.int64(cell & _LOW)


@compiled
def draw_classes(
    key: Any,
    first: int,
    stride: int,
    cells: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    order: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Rows by class and then evenly within it, with replacement, at positions first, first + stride, ..."""
    size = np.uint64(len(cells))
    # Among equal shares no alias is ever taken, and what the class left of the word chooses the row.
    even = True
    for cell in cells:
        even = even and (cell >> _32) == _LOW
    address, width = np.int64(order.ctypes.data), np.int64(order.itemsize)
    places = np.empty(_BLOCK, np.int64)
    for start in range(0, len(out), _BLOCK):
        n = min(_BLOCK, len(out) - start)
        for j in range(n):
            counter = np.uint64(first + (start + j) * stride) * _TWO
            word = _mix(key + _GOLDEN * (counter + _ONE))
            code = np.int64(_high(word, size))
            rest = word * size
            if not even:
                cell = cells[code]
                code = code if rest >> _32 < (cell >> _32) else np.int64(cell & _LOW)
                rest = _mix(key + _GOLDEN * (counter + _TWO))
            begin = offsets[code]
            places[j] = begin + np.int64(_high(rest, np.uint64(offsets[code + 1] - begin)))
            _prefetch(address + width * places[j])
        for j in range(n):
            out[start + j] = order[places[j]]


@compiled
def _shuffle_round(key: Any, pattern: Any, classes: Any, turns: Any, seen: Any) -> None:
    """Classes of one round in a random order (Fisher-Yates), and which turn of its class each place is."""
    classes[:] = pattern
    for last in range(len(pattern) - 1, 0, -1):
        swap = np.int64(_high(_mix(key + _GOLDEN * np.uint64(last)), np.uint64(last + 1)))
        classes[last], classes[swap] = classes[swap], classes[last]
    seen[:] = 0
    for place in range(len(pattern)):
        turns[place] = seen[classes[place]]
        seen[classes[place]] += 1


@compiled
def draw_rounds(
    class_key: Any,
    row_key: Any,
    first: int,
    stride: int,
    pattern: NDArray[np.int64],
    offsets: NDArray[np.int64],
    widths: NDArray[np.uint64],
    order: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Rows by class, each row of a class once before any comes again.

    Each round of ``len(pattern)`` positions holds the classes of ``pattern`` in a random order. How often a class
    came before is known from the number of the round, so nothing has to be remembered.
    """
    length = len(pattern)
    quota = np.zeros(len(offsets) - 1, np.int64)
    for place in range(length):
        quota[pattern[place]] += 1
    seen = np.empty_like(quota)
    classes = np.empty_like(pattern)
    turns = np.empty_like(pattern)
    current: Any = np.int64(-1)
    address, width = np.int64(order.ctypes.data), np.int64(order.itemsize)
    places = np.empty(_BLOCK, np.int64)
    for start in range(0, len(out), _BLOCK):
        n = min(_BLOCK, len(out) - start)
        for j in range(n):
            position = np.uint64(first + (start + j) * stride)
            number = np.int64(position // np.uint64(length))
            if number != current:
                current = number
                _shuffle_round(_mix(class_key + _GOLDEN * np.uint64(number + 1)), pattern, classes, turns, seen)
            inside = np.int64(position) - number * length
            code = classes[inside]
            size = np.uint64(offsets[code + 1] - offsets[code])
            turn = np.uint64(number * quota[code] + turns[inside])
            cycle = turn // size
            key = _mix(_mix(row_key + _GOLDEN * np.uint64(code + 1)) + _GOLDEN * (cycle + _ONE))
            within = _permuted(key, size, widths[code, 0], widths[code, 1], turn - cycle * size)
            places[j] = offsets[code] + np.int64(within)
            _prefetch(address + width * places[j])
        for j in range(n):
            out[start + j] = order[places[j]]


@compiled
def repeated(cumulative: NDArray[np.int64], offset: int, out: NDArray[Any]) -> None:
    """Row at each of ``len(out)`` evenly spaced marks on the cumulative repeat factors, from ``offset`` on."""
    total, length = cumulative[-1], len(out)
    whole = total // length
    rest = total - whole * length
    row = 0
    for mark in range(length):
        at = mark * whole + mark * rest // length + offset
        while cumulative[row] <= at:
            row += 1
        out[mark] = row


@compiled
def draw_permuted(
    key: Any, first: int, stride: int, widths: NDArray[np.uint64], table: NDArray[Any], out: NDArray[Any]
) -> None:
    """Entries of a table in a keyed random order, at positions first, first + stride, ..."""
    size = np.uint64(len(table))
    address, width = np.int64(table.ctypes.data), np.int64(table.itemsize)
    places = np.empty(_BLOCK, np.int64)
    for start in range(0, len(out), _BLOCK):
        n = min(_BLOCK, len(out) - start)
        for j in range(n):
            place = np.uint64(first + (start + j) * stride)
            places[j] = np.int64(_permuted(key, size, widths[0], widths[1], place))
            _prefetch(address + width * places[j])
        for j in range(n):
            out[start + j] = table[places[j]]


@compiled
def tally(rows: NDArray[Any], times: NDArray[np.int64]) -> None:
    """Add to ``times`` how often each row occurs."""
    for row in rows:
        times[row] += 1
