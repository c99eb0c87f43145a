"""Contract of every sampling, found by discovery."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.registry import components, parse
from steelyard.samplers import Sampling

EVERY = [cls() for cls in components("sampling").values()]
#: Those whose rows have one label each, so that they can be handed out.
SAMPLINGS = [sampling for sampling in EVERY if not sampling.mixing]
CODES = np.array([0] * 70 + [2] * 25 + [3] * 5)  # class 1 has no rows


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_resampled_rows_repeat_with_the_seed_and_keep_their_classes(sampling: Sampling) -> None:
    X = np.column_stack([CODES, np.arange(100)]).astype(float)
    first, codes = sampling.resample(X, CODES, 4, np.random.default_rng(3))
    second, again = sampling.resample(X, CODES, 4, np.random.default_rng(3))
    assert np.array_equal(first, second)
    assert np.array_equal(codes, again)
    assert np.array_equal(first[:, 0], codes)  # rows between neighbours of a class carry its mark too
    assert set(codes) == {0, 2, 3}
    if not sampling.synthetic:
        drawn = sampling.draw(CODES, 4, np.random.default_rng(3))
        assert np.array_equal(X[drawn], first)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_rates_are_the_mean_draws_of_a_row(sampling: Sampling) -> None:
    X = np.arange(100.0).reshape(-1, 1)
    counts = np.bincount(CODES, minlength=4)
    draws = [sampling.resample(X, CODES, 4, np.random.default_rng(seed))[1] for seed in range(20)]
    mean = np.mean([np.bincount(codes, minlength=4) for codes in draws], axis=0)
    np.testing.assert_allclose(mean, sampling.rates(counts) * counts, atol=0.6)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_it_works_in_imbalanced_learns_pipeline(sampling: Sampling) -> None:
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(0)
    y = np.array(["common"] * 90 + ["rare"] * 10)
    X = rng.normal(size=(100, 2)) + 3.0 * (y == "rare")[:, None]
    scores = cross_val_score(make_pipeline(sampling.replace(random_state=0), LogisticRegression()), X, y, cv=3)
    assert scores.min() > 0.8


@pytest.mark.parametrize("sampling", EVERY, ids=str)
def test_text_form_comes_back(sampling: Sampling) -> None:
    assert parse("sampling", str(sampling)) == sampling
