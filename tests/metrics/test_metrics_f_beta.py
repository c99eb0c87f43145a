from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from steelyard.errors import UsageError
from steelyard.metrics.f_beta import FBeta


def expected(codes, predicted, **kwargs):
    return fbeta_score(codes, predicted, beta=2, labels=np.unique(codes), average="macro", zero_division=0, **kwargs)


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("f_beta(beta=2)", codes, predicted, n_classes)) == pytest.approx(
        expected(codes, predicted), abs=1e-12
    )


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("f_beta(beta=2)", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)


def test_default_favours_precision(counted):
    codes, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    wanted = fbeta_score(codes, predicted, beta=0.5, average="macro")
    assert float(counted("f_beta", codes, predicted, 2)) == pytest.approx(wanted)


@pytest.mark.parametrize("beta", [0, -1.0, float("nan"), float("inf")])
def test_beta_must_be_above_zero(beta):
    with pytest.raises(UsageError, match="beta must be above 0"):
        FBeta(beta)
