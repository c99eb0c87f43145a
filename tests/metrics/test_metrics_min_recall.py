from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score


def expected(codes, predicted, **kwargs):
    recalls = recall_score(codes, predicted, labels=np.unique(codes), average=None, zero_division=0, **kwargs)
    return recalls.min()


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("min_recall", codes, predicted, n_classes)) == pytest.approx(
        expected(codes, predicted), abs=1e-12
    )


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("min_recall", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)
