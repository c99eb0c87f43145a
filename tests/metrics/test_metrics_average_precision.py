from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from steelyard.metrics import get_metric


def expected(codes, proba, weight):
    present = np.unique(codes)
    if len(present) < 2:
        return float("nan")
    return np.mean([average_precision_score(codes == k, proba[:, k], sample_weight=weight) for k in present])


def test_as_scikit_learn(case):
    codes, proba, _, _ = case
    value = get_metric("average_precision").from_scores(codes, proba)
    assert isinstance(value, float)
    assert value == pytest.approx(expected(codes, proba, np.ones(len(codes))), abs=1e-12, nan_ok=True)


def test_resamples_as_scikit_learn(case, weights):
    codes, proba, _, _ = case
    values = get_metric("average_precision").from_scores(codes, proba, weights)
    wanted = [expected(codes[w > 0], proba[w > 0], w[w > 0]) for w in weights]
    assert values == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_float32_scores_count_as_they_are(case):
    codes, proba, _, _ = case
    single = proba.astype(np.float32)
    wanted = expected(codes, single.astype(np.float64), np.ones(len(codes)))
    assert get_metric("average_precision").from_scores(codes, single) == pytest.approx(wanted, abs=1e-7, nan_ok=True)


def test_one_class_is_undefined():
    assert np.isnan(get_metric("average_precision").from_scores(np.zeros(4, int), np.full((4, 3), 1 / 3)))


def test_many_resamples_in_blocks_are_each_their_own(monkeypatch):
    rng = np.random.default_rng(0)
    codes, proba, weights = rng.integers(0, 3, 40), rng.dirichlet(np.ones(3), 40), rng.random((9, 40))
    whole = get_metric("average_precision").from_scores(codes, proba, weights)
    monkeypatch.setattr("steelyard.metrics._ranking._BLOCK_BYTES", 40 * 8 * 2)
    assert get_metric("average_precision").from_scores(codes, proba, weights) == pytest.approx(whole, rel=1e-14)
    assert whole == pytest.approx([expected(codes, proba, w) for w in weights], rel=1e-12)
