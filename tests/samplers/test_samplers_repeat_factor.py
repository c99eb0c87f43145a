"""Repeat factors by LVIS's formula; images without labels stay in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.errors import DataError, UsageError
from steelyard.samplers import RepeatFactorSampler

IMAGES = [["car"]] * 90 + [["car", "car", "bus"]] * 4 + [["bike"]] + [[]] * 5


def test_factors_by_hand() -> None:
    factors = RepeatFactorSampler(IMAGES, threshold=0.16).repeat_factors
    # Shares of the images: car 0.94, bus 0.04, bike 0.01; sqrt(0.16 / 0.04) = 2, sqrt(0.16 / 0.01) = 4.
    np.testing.assert_allclose(factors, [1.0] * 90 + [2.0] * 4 + [4.0] + [1.0] * 5)


def test_whole_factors_are_the_number_of_times_in_each_pass() -> None:
    sampler = RepeatFactorSampler(IMAGES, threshold=0.16)
    for _ in range(3):
        assert np.bincount(list(sampler)).tolist() == [1] * 90 + [2] * 4 + [4] + [1] * 5


def test_broken_factors_come_out_in_the_long_run() -> None:
    sampler = RepeatFactorSampler([[0]] * 97 + [[1]] * 3, threshold=0.1)
    passes = np.stack([np.bincount(list(sampler), minlength=100) for _ in range(400)])
    assert passes[:, :97].max() <= 2
    assert set(passes[:, 97:].ravel().tolist()) == {1, 2}
    np.testing.assert_allclose(passes.mean(axis=0)[97:], np.sqrt(0.1 / 0.03), atol=0.1)
    np.testing.assert_allclose(passes.mean(axis=0)[:97], 1.0, atol=0.05)


@given(st.integers(1, 260), st.integers(0, 2**64), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_passes_go_on_across_epochs_of_any_length(num_samples: int, seed: int, world_size: int) -> None:
    ranks = [RepeatFactorSampler(IMAGES, num_samples, seed, r, world_size, threshold=0.16) for r in range(world_size)]
    length = 107
    drawn: list[int] = []
    while len(drawn) < 2 * length:
        drawn += np.array([list(rank) for rank in ranks]).T.ravel().tolist()
    for start in (0, length):
        assert np.bincount(drawn[start : start + length]).tolist() == [1] * 90 + [2] * 4 + [4] + [1] * 5


def test_the_audit_counts_images_with_a_class() -> None:
    audit = RepeatFactorSampler(IMAGES, threshold=0.16).audit()
    assert audit.classes == ("bike", "bus", "car", None)
    assert audit.counts.tolist() == [4, 8, 98, 5]
    np.testing.assert_allclose(audit.data, [0.01, 0.04, 0.94, 0.05])
    np.testing.assert_allclose(audit.realised, np.array([4, 8, 98, 5]) / 107)
    np.testing.assert_allclose(audit.intended, audit.realised, atol=1e-6)


@pytest.mark.parametrize("threshold", [0, 1.5, float("nan"), "a"])
def test_bad_thresholds(threshold: Any) -> None:
    with pytest.raises(UsageError, match="threshold"):
        RepeatFactorSampler(IMAGES, threshold=threshold)


def test_no_labels_at_all() -> None:
    with pytest.raises(DataError, match="no row has a label"):
        RepeatFactorSampler([[], []])
