"""Repeat factors of sequences, in a strategy: against the loader's, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.samplers import RepeatFactor, RepeatFactorSampler, Shuffled

SENTENCE = np.repeat(np.arange(40), 5)
TAGS = np.zeros(200, dtype=np.int64)
TAGS[[2, 12, 13, 51, 102]] = [1, 2, 1, 1, 2]  # 1 in sentences 0, 2 and 10; 2 in 2 and 20


def test_factors_are_those_of_the_loader_sampler():
    labels = [sorted(set(TAGS[5 * number : 5 * number + 5].tolist())) for number in range(40)]
    expected = RepeatFactorSampler(labels, threshold=0.8).repeat_factors
    np.testing.assert_allclose(RepeatFactor(threshold=0.8).sequence_rates(TAGS, SENTENCE, 3), expected)
    # sqrt(0.8 * 40 / 3) and sqrt(0.8 * 40 / 2); a sentence has the larger one of its tags.
    np.testing.assert_allclose(expected[[0, 1, 2, 10, 20]], [3.266, 1, 4, 3.266, 4], atol=1e-3)


def test_each_sentence_comes_as_often_as_its_factor_says_or_once_more():
    sampling = RepeatFactor(threshold=0.8)
    rates = sampling.sequence_rates(TAGS, SENTENCE, 3)
    drawn = [np.bincount(sampling.draw_sequences(TAGS, SENTENCE, 3, np.random.default_rng(s))) for s in range(200)]
    assert all((np.abs(counts - rates) < 1).all() for counts in drawn)
    np.testing.assert_allclose(np.mean(drawn, axis=0), rates, atol=0.12)


def test_sequences_without_rows_are_not_drawn():
    kept = SENTENCE != 7
    drawn = RepeatFactor().draw_sequences(TAGS[kept], SENTENCE[kept], 3, np.random.default_rng(0))
    assert set(drawn.tolist()) == set(range(40)) - {7}


def test_a_sampling_of_rows_draws_as_many_sentences_as_there_are():
    rng = np.random.default_rng(0)
    assert sorted(Shuffled().draw_sequences(TAGS, SENTENCE, 3, rng).tolist()) == list(range(40))


def test_thresholds_outside_the_range_are_refused():
    for wrong in (0, 1.5):
        with pytest.raises(UsageError, match="threshold"):
            RepeatFactor(threshold=wrong)
