"""Which code draws, the keys it draws by, and the shape of its permutations."""

from __future__ import annotations

import math
import zlib
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MASK = 0xFFFFFFFFFFFFFFFF


@cache
def draws() -> ModuleType:
    """Compiled draws, or the NumPy ones (same bits, slower) where Numba cannot be imported."""
    try:
        from steelyard.samplers import _draws as compiled
    except ImportError:
        from steelyard.samplers import _reference

        return _reference
    return compiled


def stream_key(*parts: int) -> np.uint64:
    """Key of a random stream from whole numbers (seed, purpose, epoch): different parts, unrelated streams."""
    key = 0
    for part in parts:
        key = _mixed((key + (part + 1) * 0x9E3779B97F4A7C15) & _MASK)
    return np.uint64(key)


def _mixed(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def permutation_widths(sizes: NDArray[Any]) -> NDArray[np.uint64]:
    """Sides of the rectangle that a permutation of each size is made on, shape (n_sizes, 2)."""
    # The left side is even: turning an odd number of places is an even permutation, and so is all that follows.
    left = [1 if size == 1 else (math.isqrt(int(size) - 1) + 2) // 2 * 2 for size in sizes]
    right = [-(-int(size) // side) for size, side in zip(sizes, left, strict=True)]
    return np.array([left, right], np.uint64).T.copy()


def index_dtype(n_rows: int) -> type[np.int32] | type[np.int64]:
    """Narrowest type that holds every row number."""
    return np.int32 if n_rows <= 2**31 else np.int64


def checksum(*arrays: NDArray[Any]) -> str:
    """Short text that differs when the arrays do."""
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).data.cast("B"), value)
    return f"{value:08x}"
