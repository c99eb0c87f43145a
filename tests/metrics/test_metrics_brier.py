from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from steelyard.metrics import get_metric


def expected(codes, proba, weight):
    return brier_score_loss(codes, proba, labels=np.arange(proba.shape[1]), sample_weight=weight)


def test_as_scikit_learn(case):
    codes, proba, _, _ = case
    value = get_metric("brier").from_scores(codes, proba)
    assert isinstance(value, float)
    assert value == pytest.approx(expected(codes, proba, np.ones(len(codes))), abs=1e-12, nan_ok=True)


def test_resamples_as_scikit_learn(case, weights):
    codes, proba, _, _ = case
    values = get_metric("brier").from_scores(codes, proba, weights)
    wanted = [expected(codes[w > 0], proba[w > 0], w[w > 0]) for w in weights]
    assert values == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_two_classes_are_halved():
    # The mean of .1^2 and .3^2, not of their sums over both columns.
    value = get_metric("brier").from_scores(np.array([1, 0]), np.array([[0.1, 0.9], [0.7, 0.3]]))
    assert value == pytest.approx(0.05)
