"""Random undersampling against imbalanced-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.under_sampling import RandomUnderSampler

from steelyard.errors import UsageError
from steelyard.samplers import Undersample

CODES = np.array([0] * 60 + [1] * 30 + [2] * 5)


def test_counts_are_those_of_imbalanced_learn_and_no_row_is_repeated() -> None:
    X = np.arange(95.0).reshape(-1, 1)
    ours, y = Undersample(random_state=0).fit_resample(X, CODES)
    _, theirs = RandomUnderSampler(random_state=0).fit_resample(X, CODES)
    assert np.bincount(y).tolist() == np.bincount(theirs).tolist() == [5, 5, 5]
    assert len(np.unique(ours)) == 15


def test_a_ratio_keeps_more_and_an_absent_class_does_not_empty_the_rest() -> None:
    drawn = Undersample(ratio=0.25).draw(CODES, 5, np.random.default_rng(0))
    assert np.bincount(CODES[drawn], minlength=5).tolist() == [20, 20, 5, 0, 0]


def test_a_ratio_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match="ratio must be above 0 and at most 1"):
        Undersample(2)
