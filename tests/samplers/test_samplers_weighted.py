"""The weighted sampler: chi-square, torch's shares, more rows than torch can draw from, bad weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from steelyard.errors import DataError
from steelyard.samplers import WeightedSampler


@given(st.lists(st.floats(0.01, 100.0), min_size=2, max_size=40), st.integers(0, 2**64))
@settings(max_examples=40, deadline=None)
def test_chi_square(weights: list[float], seed: int) -> None:
    n = 50_000
    drawn = WeightedSampler(weights, seed=seed).draw(0, 0, n)
    expected = np.array(weights) / sum(weights) * n
    many = expected >= 5  # where the chi-square distribution holds; the others are taken together
    counts = np.bincount(drawn, minlength=len(weights))
    observed, wanted = np.append(counts[many], counts[~many].sum()), np.append(expected[many], expected[~many].sum())
    keep = wanted > 0
    if keep.sum() > 1:
        assert stats.chisquare(observed[keep], wanted[keep] * observed.sum() / wanted[keep].sum()).pvalue > 1e-8


def test_shares_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    weights = np.random.default_rng(0).random(50) ** 3
    ours = np.bincount(WeightedSampler(weights).draw(0, 0, 200_000), minlength=50)
    theirs = torch.multinomial(torch.from_numpy(weights), 200_000, True, generator=torch.Generator().manual_seed(0))
    table = np.stack([ours, np.bincount(theirs.numpy(), minlength=50)])
    assert stats.chi2_contingency(table[:, table.sum(axis=0) > 20]).pvalue > 1e-3


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e308])
def test_rows_of_weight_zero_are_never_drawn_whatever_the_scale(scale: float) -> None:
    weights = np.where(np.arange(1000) % 3 == 0, np.arange(1000.0), 0.0)
    weights *= scale / weights.max()
    drawn = WeightedSampler(weights).draw(0, 0, 100_000)
    assert (drawn % 3 == 0).all()
    assert not (drawn == 0).any()


def test_past_the_limit_of_torch() -> None:
    weights = np.zeros(2**24 + 4, np.float32)
    weights[[1, 2**24 + 1, 2**24 + 3]] = 1.0, 2.0, 1.0
    times = np.bincount(WeightedSampler(weights, 10_000).draw(0, 0, 10_000))
    assert np.flatnonzero(times).tolist() == [1, 2**24 + 1, 2**24 + 3]
    assert stats.chisquare(times[times > 0], [2500, 5000, 2500]).pvalue > 1e-4


def test_the_audit_reads_the_weights_back() -> None:
    labels = ["a", "b", "b", "c"]
    audit = WeightedSampler([1.0, 2.0, 3.0, 0.0], 60_000, labels=labels).audit()
    np.testing.assert_allclose(audit.intended, [1 / 6, 5 / 6, 0], atol=1e-9)
    np.testing.assert_allclose(audit.realised, audit.intended, atol=0.01)
    audit = WeightedSampler([1.0, 2.0, 3.0, 0.0]).audit(labels=np.array([[1, 0], [1, 1], [0, 0], [0, 1]]))
    np.testing.assert_allclose(audit.intended, [3 / 6, 2 / 6, 3 / 6], atol=1e-9)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -0.5], "weight of row 1 must be finite and not below 0, not -0.5"),
        ([1.0, np.nan, 1.0], "weight of row 1"),
        ([np.inf, 1.0], "weight of row 0"),
        ([0.0, 0.0], "all weights are 0"),
        ([], "at least one row"),
        ([[1.0], [2.0]], "one dimension"),
        (["a"], "number"),
    ],
)
def test_bad_weights(weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        WeightedSampler(weights)


def test_labels_of_another_length() -> None:
    with pytest.raises(DataError, match="3 labels for 2 weights"):
        WeightedSampler([1.0, 2.0], labels=[0, 1, 0])
