from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

pytestmark = pytest.mark.filterwarnings("ignore:A single label was found")


def expected(codes, predicted, **kwargs):
    return matthews_corrcoef(codes, predicted, **kwargs)


def test_as_scikit_learn(case, counted):
    codes, _, predicted, n_classes = case
    assert float(counted("mcc", codes, predicted, n_classes)) == pytest.approx(expected(codes, predicted), abs=1e-12)


def test_resamples_as_scikit_learn(case, counted, weights):
    codes, _, predicted, n_classes = case
    values = counted("mcc", codes, predicted, n_classes, weights)
    for value, weight in zip(values, weights, strict=True):
        kept = weight > 0
        wanted = expected(codes[kept], predicted[kept], sample_weight=weight[kept])
        assert value == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1 / 3])
def test_one_predicted_class_is_zero_under_any_weights(counted, scale):
    weights = np.full((1, 1000), scale)
    codes = np.arange(1000) % 3
    assert counted("mcc", codes, np.zeros(1000, dtype=int), 3, weights).tolist() == [0.0]
