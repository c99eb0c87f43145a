from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score


def expected(codes, predicted, **kwargs):
    # balanced_accuracy_score warns of predictions of classes without rows; this is its definition.
    return recall_score(codes, predicted, labels=np.unique(codes), average="macro", zero_division=0, **kwargs)


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("balanced_accuracy", codes, predicted, n_classes)) == pytest.approx(
        expected(codes, predicted), abs=1e-12
    )


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("balanced_accuracy", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)


def test_as_balanced_accuracy_score(counted):
    codes, predicted = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 0, 1, 2, 0])
    wanted = balanced_accuracy_score(codes, predicted)
    assert float(counted("balanced_accuracy", codes, predicted, 4)) == pytest.approx(wanted)
