"""Products of small matrices, and float32 functions that become vectors: what the compiled training is made of.

Matrices are multiplied by tiles kept in registers. Each number is summed in one fixed order, so the bits depend
neither on how wide the processor's vectors are nor on a library.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

from steelyard.compiled import inner

cgutils: Any = _cgutils  # has no types

#: Numbers in a vector; rows and vectors of a tile: two kinds of eight sums, which hide the latency of a multiplication.
LANES = 16 if binding.get_host_cpu_features().get("avx512f") else 8
_ROWS, _WIDE, _TALL = 4, 2, 8
BLOCK = _WIDE * LANES
#: Rows from which it pays to copy a part of the right side first.
_DEEP = 48
_VECTOR, _WORD = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)


def _tile(rows: int, wide: int) -> Any:
    """Intrinsic for out = start + a @ b on ``rows`` rows and ``wide`` vectors; addresses and strides are in bytes."""

    def place(builder: Any, base: Any, row: Any, index: int, vector: int) -> Any:
        offset = builder.add(builder.mul(row, ir.Constant(_WORD, index)), ir.Constant(_WORD, 4 * LANES * vector))
        return builder.inttoptr(builder.add(base, offset), ir.PointerType(_VECTOR))

    def load(builder: Any, pointer: Any) -> Any:
        value = builder.load(pointer)
        value.align = 4
        return value

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, a_row, a_step, b, b_row, depth, start, start_row, out, out_row = args
        # Fused where the processor can do that at once, else a product and a sum.
        form = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        fused = cgutils.get_or_insert_function(builder.module, form, f"llvm.fmuladd.v{LANES}f32")
        cells = [(i, j) for i in range(rows) for j in range(wide)]
        sums = {
            cell: cgutils.alloca_once_value(builder, load(builder, place(builder, start, start_row, *cell)))
            for cell in cells
        }
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        empty = ir.Constant(_VECTOR, ir.Undefined)
        with cgutils.for_range(builder, depth) as loop:
            left = builder.add(a, builder.mul(a_step, loop.index))
            right = builder.add(b, builder.mul(b_row, loop.index))
            vectors = [load(builder, place(builder, right, b_row, 0, j)) for j in range(wide)]
            for i in range(rows):
                at = builder.add(left, builder.mul(a_row, ir.Constant(_WORD, i)))
                one = builder.load(builder.inttoptr(at, ir.PointerType(ir.FloatType())))
                first = builder.insert_element(empty, one, ir.Constant(ir.IntType(32), 0))
                same = builder.shuffle_vector(first, empty, lanes)
                for j in range(wide):
                    builder.store(builder.call(fused, [same, vectors[j], builder.load(sums[i, j])]), sums[i, j])
        for cell in cells:
            builder.store(builder.load(sums[cell]), place(builder, out, out_row, *cell)).align = 4
        return context.get_dummy_value()

    def typed(typing_context: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_row: Any, depth: Any,
              start: Any, start_row: Any, out: Any, out_row: Any) -> Any:  # fmt: skip
        return types.void(*[types.int64] * 10), code

    return intrinsic(typed)


_many_wide, _one_wide, _many_narrow, _one_narrow = _tile(_ROWS, _WIDE), _tile(1, _WIDE), _tile(_TALL, 1), _tile(1, 1)


@inner
def matmul(
    a: int, a_row: int, a_step: int, b: int, b_row: int, depth: int,
    start: int, start_row: int, out: int, out_row: int, rows: int, columns: int, spare: int,
) -> None:  # fmt: skip
    """Out (rows, columns) = start + a (rows, depth) @ b (depth, columns); columns are whole vectors.

    All are addresses and strides in bytes; ``spare`` is room for a (depth rounded up to 4, ``BLOCK``) part of b.
    """
    whole = columns // BLOCK * BLOCK
    full = rows // _ROWS * _ROWS
    for j in range(0, 4 * whole, 4 * BLOCK):
        side, side_row = b + j, b_row
        if depth >= _DEEP and rows >= _DEEP:
            # Rows of b that lie a power of two apart fall into few sets of the cache; side by side they all fit in.
            for k in range(0, depth - depth % _ROWS, _ROWS):
                _many_wide(0, 0, 0, 0, 0, 0, side + k * b_row, b_row, spare + 4 * BLOCK * k, 4 * BLOCK)
            for k in range(depth - depth % _ROWS, depth):
                _one_wide(0, 0, 0, 0, 0, 0, side + k * b_row, b_row, spare + 4 * BLOCK * k, 4 * BLOCK)
            side, side_row = spare, 4 * BLOCK
        for i in range(0, full, _ROWS):
            _many_wide(a + i * a_row, a_row, a_step, side, side_row, depth,
                       start + i * start_row + j, start_row, out + i * out_row + j, out_row)  # fmt: skip
        for i in range(full, rows):
            _one_wide(a + i * a_row, a_row, a_step, side, side_row, depth,
                      start + i * start_row + j, start_row, out + i * out_row + j, out_row)  # fmt: skip
    tall = rows // _TALL * _TALL
    for j in range(4 * whole, 4 * columns, 4 * LANES):
        for i in range(0, tall, _TALL):
            _many_narrow(a + i * a_row, a_row, a_step, b + j, b_row, depth,
                         start + i * start_row + j, start_row, out + i * out_row + j, out_row)  # fmt: skip
        for i in range(tall, rows):
            _one_narrow(a + i * a_row, a_row, a_step, b + j, b_row, depth,
                        start + i * start_row + j, start_row, out + i * out_row + j, out_row)  # fmt: skip


def _address_typed(typing_context: Any, array: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(context.make_array(signature.args[0])(context, builder, args[0]).data, _WORD)

    return types.int64(array), code


def _bits_typed(typing_context: Any, value: Any) -> Any:
    return types.int32(types.float32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


def _float_typed(typing_context: Any, value: Any) -> Any:
    return types.float32(types.int32), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.FloatType()
    )


#: Where the numbers of an array begin.
address: Any = intrinsic(_address_typed)
_bits: Any = intrinsic(_bits_typed)
_float: Any = intrinsic(_float_typed)

# A plain literal is a float64, and would make every vector half as long.
_0, _1, _2, _HALF, _THIRD = (np.float32(value) for value in (0, 1, 2, 0.5, 1 / 3))
_TINY, _SMALL, _LEAST = np.float32(1e-30), np.float32(1e-3), np.float32(1e-12)
_LOW, _HIGH, _LOG2E = np.float32(-87.3), np.float32(88.0), np.float32(1.44269504)
# ln 2 in two parts: the first has few digits, so that a whole multiple of it is exact.
_LN2, _LN2_REST = np.float32(0.693359375), np.float32(-2.12194440e-4)
_E2, _E3, _E4, _E5, _E6, _E7 = (np.float32(1 / math.factorial(n)) for n in range(2, 8))
_ROOT_HALF, _EXPONENT, _MANTISSA = np.float32(math.sqrt(0.5)), np.int32(0x3F000000), np.int32(0x007FFFFF)
_23, _126, _127 = np.int32(23), np.int32(126), np.int32(127)
_A1, _A3, _A5, _A7, _A9 = (np.float32(2 / n) for n in (1, 3, 5, 7, 9))


@inner
def exp(x: Any) -> Any:
    """e^x in float32 without a branch, so that a loop over it becomes vectors: 2^n times a series for the rest."""
    x = x if x > _LOW else _LOW
    x = x if x < _HIGH else _HIGH
    n = np.int32(x * _LOG2E + (_HALF if x > _0 else -_HALF))
    r = (x - np.float32(n) * _LN2) - np.float32(n) * _LN2_REST
    series = _E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * (_E6 + r * _E7))))
    return (_1 + (r + r * r * series)) * _float((n + _127) << _23)


@inner
def log(x: Any) -> Any:
    """Natural logarithm of a positive float32: that of the exponent, and 2 atanh((m - 1) / (m + 1)) of the rest."""
    whole = _bits(x)
    n = np.float32((whole >> _23) - _126)
    m = _float((whole & _MANTISSA) | _EXPONENT)
    low = m < _ROOT_HALF
    m = m + m if low else m
    n = n - _1 if low else n
    s = (m - _1) / (m + _1)
    z = s * s
    return n * _LN2 + (n * _LN2_REST + s * (_A1 + z * (_A3 + z * (_A5 + z * (_A7 + z * _A9)))))


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
_15, _16, _TURN, _OTHER = np.uint32(15), np.uint32(16), np.uint32(0x7FEB352D), np.uint32(0x846CA68B)


@inner
def mix(z: Any) -> Any:
    """Random uint64 from a counter: the output function of SplitMix64."""
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@inner
def scramble(x: Any) -> Any:
    """Random uint32 from a counter (Wellons' lowbias32): half as wide, so twice as many in a vector."""
    x = np.uint32((x ^ (x >> _16)) * _TURN)
    x = np.uint32((x ^ (x >> _15)) * _OTHER)
    return np.uint32(x ^ (x >> _16))
