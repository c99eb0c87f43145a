from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score


def expected(codes, predicted, **kwargs):
    return f1_score(codes, predicted, labels=np.unique(codes), average="micro", zero_division=0, **kwargs)


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("micro_f1", codes, predicted, n_classes)) == pytest.approx(
        expected(codes, predicted), abs=1e-12
    )


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("micro_f1", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)


def test_prediction_of_a_class_without_rows_is_a_miss_only(counted):
    # 2 of 3 rows found; 2 predictions name classes that have rows: 2 * 2 / (2 + 3), where accuracy is 2 / 3.
    assert float(counted("micro_f1", np.array([0, 0, 1]), np.array([0, 2, 1]), 3)) == pytest.approx(0.8)
