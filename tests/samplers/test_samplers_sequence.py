"""The sequence sampler against the source's numbers for the geometric mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steelyard.errors import DataError, UsageError
from steelyard.samplers import SequenceSampler

WEIGHTS = {"PER": 0.1, "O": 0.01}
TAGS = [["PER", "O"], ["PER", "O", "O", "O", "O", "O"], ["O"]]


def test_weights_are_those_of_the_source() -> None:
    np.testing.assert_allclose(SequenceSampler(TAGS, WEIGHTS).weights, [0.0316, 0.0147, 0.01], atol=5e-5)


def test_the_audit_counts_tokens() -> None:
    audit = SequenceSampler(TAGS, WEIGHTS, 60_000).audit()
    weights = np.array([0.1 * 0.01, 0.1 * 0.01**5, 0.01]) ** (1 / np.array([2, 6, 1]))
    tokens = np.array([[1, 1], [5, 1], [1, 0]])
    expected = (weights @ tokens) / (weights @ tokens).sum()
    assert audit.classes == ("O", "PER")
    np.testing.assert_allclose(audit.data, [7 / 9, 2 / 9])
    np.testing.assert_allclose(audit.intended, expected, atol=1e-9)
    np.testing.assert_allclose(audit.realised, expected, atol=0.01)


def test_padding_and_missing_tags_are_left_out() -> None:
    tags = np.array([[1, 0, -100], [0, -100, -100], [-100, -100, -100]])
    sampler = SequenceSampler(tags, {0: 0.01, 1: 0.1}, 1000, pad=-100)
    np.testing.assert_allclose(sampler.weights, [0.1 * 0.01**0.5 / 0.1**0.5, 0.01, 0.0], rtol=1e-9)
    assert set(sampler) == {0, 1}
    other = SequenceSampler([["a", None, "x"], ["a"]], {"a": 2.0}, pad=["x"])
    assert other.weights.tolist() == [2.0, 2.0]


def test_weights_are_one_over_the_tokens_by_default() -> None:
    np.testing.assert_allclose(SequenceSampler(TAGS).weights, [(1 / 14) ** 0.5, (1 / 7**5 / 2) ** (1 / 6), 1 / 7])


def test_a_tag_of_weight_zero_keeps_its_sequences_out() -> None:
    assert set(SequenceSampler(TAGS, {"PER": 0.0, "O": 1.0}, 100)) == {2}


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"O": 1.0}, DataError, "tag 'PER' has no weight"),
        ({"O": 0.0, "PER": 0.0}, DataError, "all weights are 0"),
        ({"O": -1.0, "PER": 1.0}, UsageError, "weight of tag 'O'"),
        ([1.0, 2.0], UsageError, "mapping"),
    ],
)
def test_bad_weights(weights: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SequenceSampler(TAGS, weights)
