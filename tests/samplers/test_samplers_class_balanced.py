"""The class-balanced sampler for loaders: shares, once before repeats, multi-label data, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from steelyard.errors import DataError, UsageError
from steelyard.samplers import ClassBalancedSampler

CLASS_SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**70)


def labels_of(sizes: list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed % 2**32).permutation(np.repeat(np.arange(len(sizes)), sizes))


@given(CLASS_SIZES, SEEDS, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_shares_are_within_binomial_bounds(sizes: list[int], seed: int, epoch: int) -> None:
    labels = labels_of(sizes, seed)
    drawn = labels[ClassBalancedSampler(labels, 6000, seed).draw(epoch, 0, 6000)]
    for count in np.bincount(drawn, minlength=len(sizes)):
        assert stats.binomtest(int(count), 6000, 1 / len(sizes)).pvalue > 1e-7


def test_rows_of_a_class_are_equally_likely() -> None:
    labels = labels_of([700, 40, 5])
    times = np.bincount(ClassBalancedSampler(labels, seed=3).draw(0, 0, 300_000), minlength=745)
    for code in range(3):
        assert stats.chisquare(times[labels == code]).pvalue > 1e-4


@given(CLASS_SIZES, SEEDS, st.sampled_from(["equal", "sqrt", 1.0, "effective_number(beta=0.9)"]), st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_every_row_of_a_class_comes_once_before_any_repeats(
    sizes: list[int], seed: int, balance: Any, num_samples: int
) -> None:
    labels = labels_of(sizes, seed)
    sampler = ClassBalancedSampler(labels, num_samples, seed, replacement=False, balance=balance)
    drawn = np.array([row for _ in range(4) for row in sampler])
    assert len(drawn) == 4 * num_samples
    for code, size in enumerate(sizes):
        own = drawn[labels[drawn] == code]
        for start in range(0, len(own), size):
            cycle = own[start : start + size]
            assert len(set(cycle.tolist())) == len(cycle)


def test_cycles_of_a_class_are_in_different_orders() -> None:
    labels = labels_of([50, 3])
    drawn = ClassBalancedSampler(labels, replacement=False).draw(0, 0, 400)
    own = drawn[labels[drawn] == 0].reshape(4, 50)
    assert len({tuple(cycle) for cycle in own.tolist()}) == 4


def test_each_round_without_replacement_holds_every_class() -> None:
    labels = labels_of([30, 8, 2])
    drawn = labels[ClassBalancedSampler(labels, replacement=False).draw(3, 0, 300)]
    assert (np.sort(drawn.reshape(100, 3)) == [0, 1, 2]).all()
    assert len({tuple(row) for row in drawn.reshape(100, 3).tolist()}) == 6


@pytest.mark.parametrize(
    ("balance", "shares"),
    [
        ("equal", [0.5, 0.5]),
        ("sqrt", [0.75, 0.25]),
        (0.5, [0.75, 0.25]),
        (1, [0.9, 0.1]),
        # (1 - 0.5**9) / (1 - 0.5) = 1.99609375, and 1 for the class of one row: n x the weight is n / these.
        ("effective_number(beta=0.5)", [9 / 1.99609375 / (9 / 1.99609375 + 1), 1 / (9 / 1.99609375 + 1)]),
        ("effective_number(beta=0)", [0.9, 0.1]),
        ({0: 1, 1: 3}, [0.25, 0.75]),
        ({1: 2.0}, [0.0, 1.0]),
    ],
)
@pytest.mark.parametrize("replacement", [True, False])
def test_shares_of_each_scheme_by_hand(balance: Any, shares: list[float], replacement: bool) -> None:
    labels = np.repeat([0, 1], [9, 1])
    sampler = ClassBalancedSampler(labels, 40_000, replacement=replacement, balance=balance)
    audit = sampler.audit()
    np.testing.assert_allclose(sampler.shares, shares, atol=1e-12 if replacement else 2e-5)
    np.testing.assert_allclose(audit.intended, sampler.shares, atol=1e-12)
    np.testing.assert_allclose(audit.realised, shares, atol=0.01 if replacement else 5e-5)
    assert audit.data.tolist() == [0.9, 0.1]


@pytest.mark.parametrize("replacement", [True, False])
def test_past_the_limit_of_torch(replacement: bool) -> None:
    labels = np.zeros(2**24 + 5, np.uint8)
    labels[-3:] = 1
    sampler = ClassBalancedSampler(labels, 60_000, replacement=replacement)
    drawn = sampler.draw(0, 0, 60_000)
    rare = drawn[drawn >= 2**24 + 2]
    assert drawn.dtype == np.int32
    assert abs(len(rare) - 30_000) < (1000 if replacement else 1)
    assert set(rare.tolist()) == {2**24 + 2, 2**24 + 3, 2**24 + 4}
    # Rows that a float32 cannot tell apart are drawn too.
    assert (drawn[labels[drawn] == 0] % 2 == 1).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("labels", [["b", "a", None, "b"], [3.0, 1.0, np.nan, 3.0], np.array([300, -5, 300, 300])])
def test_labels_of_any_kind(labels: Any) -> None:
    sampler = ClassBalancedSampler(labels, 1000, replacement=False)
    rows = set(sampler.draw(0, 0, 1000).tolist())
    assert rows == ({0, 1, 3} if not isinstance(labels, np.ndarray) else {0, 1, 2, 3})
    assert sampler.audit().realised.tolist() == [0.5, 0.5]


MATRIX = np.array([[1, 0, 0]] * 60 + [[1, 1, 0]] * 20 + [[0, 0, 1]] * 5 + [[0, 0, 0]] * 15)


@pytest.mark.parametrize("form", ["matrix", "sequences"])
def test_multi_label_draws_a_label_and_then_a_row_that_has_it(form: str) -> None:
    sequences = [np.flatnonzero(row).tolist() for row in MATRIX]
    sampler = ClassBalancedSampler(MATRIX if form == "matrix" else sequences, 200_000)
    audit = sampler.audit()
    assert sampler.classes == audit.classes == (0, 1, 2, None)
    # 15 % of the rows have no label and keep that share; the labels share the rest equally.
    np.testing.assert_allclose(sampler.shares, [0.85 / 3, 0.85 / 3, 0.85 / 3, 0.15])
    # Every row with label 1 has label 0 too, and a quarter of those with label 0 have label 1.
    np.testing.assert_allclose(audit.intended, [2 * 0.85 / 3, 1.25 * 0.85 / 3, 0.85 / 3, 0.15])
    np.testing.assert_allclose(audit.realised, audit.intended, atol=0.006)
    drawn = MATRIX[sampler.draw(0, 0, 200_000)]
    np.testing.assert_allclose(audit.realised[:3], drawn.mean(axis=0))


def test_the_audit_counts_what_was_really_seen() -> None:
    labels = np.array(["soccer"] * 8 + ["funny"] * 2)
    sampler = ClassBalancedSampler(labels)
    audit = sampler.audit(rows=[0, 0, 1, 9])
    assert audit.as_dict()["funny"] == {"data": 0.2, "intended": 0.5, "realised": 0.25, "count": 1}
    assert (audit.draws, audit.distinct, audit.largest_gap) == (4, 3, 0.25)
    assert "funny" in str(audit)
    other = sampler.audit(rows=[0, 9], labels=["x"] * 9 + ["y"])
    assert other.realised.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 0}, "num_samples must be a whole number of at least 1, not 0"),
        ({"num_samples": 2.5}, "num_samples"),
        ({"seed": -1}, "seed"),
        ({"rank": 2, "world_size": 2}, "rank 2 does not exist among world_size=2 ranks"),
        ({"rank": 0}, "give rank and world_size together"),
        ({"rank": -1, "world_size": 2}, "rank"),
        ({"replacement": 1}, "replacement"),
        ({"balance": "squared"}, "balance must be"),
        ({"balance": float("nan")}, "balance must be"),
        ({"balance": "sqrt(2)"}, "balance must be"),
        ({"balance": "effective_number(beta=1)"}, "beta"),
        ({"balance": {0: -1.0}}, "share of class 0"),
        ({"balance": {0: 0.0}}, "no class a share above 0"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ClassBalancedSampler([0, 1, 1], **arguments)


@pytest.mark.parametrize(
    ("labels", "arguments", "message"),
    [
        ([0, 1], {"balance": {0: 0.5, "cat": 0.5}}, "class 'cat' has no rows"),
        ([], {}, "no labels"),
        ([None, None], {}, "all labels are missing"),
        (np.zeros((3, 2)), {}, "no row has a label"),
    ],
)
def test_wrong_data(labels: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ClassBalancedSampler(labels, **arguments)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"rows": [3]}, DataError),
        ({"rows": [0.5]}, DataError),
        ({"rows": []}, DataError),
        ({"labels": [0, 1]}, DataError),
        ({"epoch": -1}, UsageError),
    ],
)
def test_wrong_audits(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ClassBalancedSampler([0, 1, 1]).audit(**arguments)
