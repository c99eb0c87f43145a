from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score


def expected(codes, predicted, **kwargs):
    return f1_score(codes, predicted, labels=np.unique(codes), average="weighted", zero_division=0, **kwargs)


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("weighted_f1", codes, predicted, n_classes)) == pytest.approx(
        expected(codes, predicted), abs=1e-12
    )


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("weighted_f1", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)
