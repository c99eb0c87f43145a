from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from steelyard.metrics.macro_f1 import MacroF1


def expected(codes, predicted, **kwargs):
    return f1_score(codes, predicted, labels=np.unique(codes), average="macro", zero_division=0, **kwargs)


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("macro_f1", codes, predicted, n_classes)) == pytest.approx(
        expected(codes, predicted), abs=1e-12
    )


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("macro_f1", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)


def test_hand_calculation():
    # Hits of predictions and of rows: 8 of 9 and 8, 1 of 1 and 2; class 2 has no rows.
    value = MacroF1().from_counts(np.array([8.0, 1, 0]), np.array([9.0, 1, 0]), np.array([8.0, 2, 0]), 10)
    assert float(value) == pytest.approx((16 / 17 + 2 / 3) / 2)


def test_no_rows_is_undefined():
    assert np.isnan(MacroF1().from_counts(np.zeros(3), np.zeros(3), np.zeros(3), 0))
