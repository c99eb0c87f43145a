"""Sentences by the geometric mean of their words' weights, in a strategy."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.samplers import Balanced, SequenceSampler, SequenceWeighted

SENTENCES = [["O"] * 6, ["PER", "O", "O"], ["PER", "LOC"], ["O"]]
TAGS = np.array([0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 0])
SENTENCE = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3])


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_shares_are_those_of_the_loader_sampler(power):
    weights = {name: n**-power for name, n in (("O", 9), ("PER", 2), ("LOC", 1))}
    expected = SequenceSampler(SENTENCES, weights).weights
    rates = SequenceWeighted(power=power).sequence_rates(TAGS, SENTENCE, 3)
    np.testing.assert_allclose(rates, expected / expected.mean())


def test_as_many_are_drawn_as_there_are_in_those_shares():
    sampling = SequenceWeighted()
    rates = sampling.sequence_rates(TAGS, SENTENCE, 3)
    drawn = [sampling.draw_sequences(TAGS, SENTENCE, 3, np.random.default_rng(seed)) for seed in range(300)]
    assert {len(one) for one in drawn} == {4}
    mean = np.bincount(np.concatenate(drawn), minlength=4) / 300
    np.testing.assert_allclose(mean, rates, atol=0.1)


def test_rows_of_their_own_are_balanced_by_the_inverse():
    counts = np.array([90, 0, 10])
    np.testing.assert_allclose(SequenceWeighted().rates(counts), Balanced().rates(counts))


def test_powers_outside_the_range_are_refused():
    for wrong in (0, 2.5):
        with pytest.raises(UsageError, match="power"):
            SequenceWeighted(power=wrong)
