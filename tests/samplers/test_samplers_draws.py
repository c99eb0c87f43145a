"""Compiled draws: the generator's published numbers, the NumPy twin bit for bit, permutations, the alias table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from steelyard.samplers import _draws, _reference
from steelyard.samplers._backend import permutation_widths, stream_key

KEYS = st.integers(0, 2**64 - 1).map(np.uint64)
COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=6)
WEIGHTS = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=60).filter(lambda weights: max(weights) > 1e-300)
EXAMPLES = settings(max_examples=60, deadline=None)


def both(name: str, length: int, *args: Any) -> tuple[np.ndarray, np.ndarray]:
    outs = np.empty((2, length), np.int32)
    for module, out in zip((_draws, _reference), outs, strict=True):
        getattr(module, name)(*args, out)
    return outs[0], outs[1]


def test_the_generator_is_splitmix64() -> None:
    # First outputs for the seed 1234567, as published with the algorithm's reference code.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    keys = (1234567 + 0x9E3779B97F4A7C15 * np.arange(1, 5, dtype=object)) % 2**64
    assert _reference._mix(keys.astype(np.uint64)).tolist() == published
    assert [int(_draws._mix(np.uint64(key))) for key in keys] == published


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), min_size=1))
def test_upper_half_of_products(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, np.uint64).T
    assert _reference._high(a, b).tolist() == [(x * y) >> 64 for x, y in pairs]


@given(KEYS, st.integers(0, 2**40), st.integers(1, 9), COUNTS, WEIGHTS)
@EXAMPLES
def test_class_draws_are_the_same_bits(
    key: Any, first: int, stride: int, counts: list[int], weights: list[float]
) -> None:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    order = np.arange(offsets[-1], dtype=np.int32)[::-1].copy()
    shares = np.resize(np.array(weights), len(counts)) + 1e-9
    for table in (np.ones(len(counts)), shares):
        cells = _draws.alias_table(table, float(table.sum()))
        assert np.array_equal(cells, _reference.alias_table(table, float(table.sum())))
        one, other = both("draw_classes", 700, key, first, stride, cells, offsets, order)
        assert np.array_equal(one, other)


@given(KEYS, KEYS, st.integers(0, 2**40), st.integers(1, 9), COUNTS, st.data())
@EXAMPLES
def test_rounds_are_the_same_bits(
    key: Any, row_key: Any, first: int, stride: int, counts: list[int], data: Any
) -> None:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    order = np.arange(offsets[-1], dtype=np.int32)
    quota = data.draw(st.lists(st.integers(1, 4), min_size=len(counts), max_size=len(counts)))
    pattern = np.repeat(np.arange(len(counts)), quota)
    widths = permutation_widths(np.array(counts))
    one, other = both("draw_rounds", 600, key, row_key, first, stride, pattern, offsets, widths, order)
    assert np.array_equal(one, other)


@given(KEYS, st.integers(1, 3000))
@EXAMPLES
def test_a_keyed_permutation_holds_every_place_once(key: Any, size: int) -> None:
    table = np.arange(size, dtype=np.int32)
    one, other = both("draw_permuted", size, key, 0, 1, permutation_widths(np.array([size]))[0], table)
    assert np.array_equal(one, other)
    assert np.array_equal(np.sort(one), table)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_all_orders_of_a_few_rows_are_about_as_likely(size: int) -> None:
    table = np.arange(size, dtype=np.int32)
    widths = permutation_widths(np.array([size]))[0]
    out = np.empty(size, np.int32)
    seen: dict[bytes, int] = {}
    for number in range(24_000):
        _draws.draw_permuted(stream_key(5, number), 0, 1, widths, table, out)
        seen[out.tobytes()] = seen.get(out.tobytes(), 0) + 1
    orders = int(np.prod(np.arange(1, size + 1)))
    assert len(seen) == orders
    assert stats.chisquare(list(seen.values())).pvalue > 1e-4


@given(WEIGHTS)
@EXAMPLES
def test_the_alias_table_holds_the_weights(weights: list[float]) -> None:
    array = np.array(weights) / max(weights)
    cells = _draws.alias_table(array, float(array.sum()))
    kept = (cells >> 32) / 2.0**32
    rates = kept + np.bincount((cells & np.uint64(0xFFFFFFFF)).astype(np.int64), 1 - kept, minlength=len(cells))
    # A threshold has 32 bits; a row gives at most as many of them away as there are rows.
    np.testing.assert_allclose(rates / len(array), array / array.sum(), atol=2**-31)


@given(st.lists(st.integers(2**20, 2**23), min_size=1, max_size=80), st.integers(0, 2**20 - 1))
@EXAMPLES
def test_repeated_rows_are_the_same_bits(parts: list[int], offset: int) -> None:
    cumulative = np.cumsum(np.array(parts, np.int64))
    length = (int(cumulative[-1]) + 2**19) // 2**20
    offset %= int(cumulative[-1]) // length
    one, other = both("repeated", length, cumulative, offset)
    assert np.array_equal(one, other)
    times, factors = np.bincount(one, minlength=len(parts)), np.array(parts) / 2**20 * length * 2**20 / cumulative[-1]
    assert (times >= np.floor(factors - 1e-6)).all()
    assert (times <= np.ceil(factors + 1e-6)).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_rows_are_grouped_in_order(dtype: Any) -> None:
    labels = np.array([7, 5, -1, 7, 5, 9], np.int64).astype(dtype)
    labels = np.where(labels > 100, 6, labels).astype(dtype)  # unsigned types have no -1: any class left out will do
    rank = np.array([-1, -1, -1, -1, -1, -1, 0, -1, 1, -1, 2])
    for module in (_draws, _reference):
        order = np.empty(5, np.int32)
        module.group(labels, -1, rank, np.array([0, 2, 4]), order)
        assert order.tolist() == [1, 4, 0, 3, 5]
        times = np.zeros(6, np.int64)
        module.tally(order, times)
        assert times.tolist() == [1, 1, 0, 1, 1, 1]
