from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from steelyard.metrics import get_metric


def test_with_one_label_a_row_it_is_the_accuracy(case, counted):
    codes, _, predicted, n_classes = case
    assert counted("samples_f1", codes, predicted, n_classes) == pytest.approx(accuracy_score(codes, predicted))


def test_with_several_it_is_scikit_learns_rows_without_labels_included():
    rng = np.random.default_rng(0)
    Y, predicted = (rng.random((80, 4)) < 0.3).astype(float), (rng.random((80, 4)) < 0.3).astype(int)
    values, mass = get_metric("samples_f1").from_rows(Y, predicted)
    expected = f1_score(Y, predicted, average="samples", zero_division=0)
    assert np.average(values, weights=mass) == pytest.approx(expected)
    assert (Y.sum(axis=1) == 0).any()
