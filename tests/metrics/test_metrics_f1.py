from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from steelyard.errors import UsageError
from steelyard.metrics.f1 import F1


@pytest.mark.parametrize("positive", [0, 1])
def test_as_scikit_learn(counted, positive):
    rng = np.random.default_rng(positive)
    codes, predicted = rng.integers(0, 2, 50), rng.integers(0, 2, 50)
    wanted = f1_score(codes, predicted, pos_label=positive)
    assert float(counted(f"f1(positive={positive})", codes, predicted, 2)) == pytest.approx(wanted)


@pytest.mark.parametrize("rare", [0, 1])
def test_positive_is_the_class_with_fewer_rows(counted, rare):
    codes = np.array([rare, rare, 1 - rare, 1 - rare, 1 - rare])
    predicted = np.array([rare, 1 - rare, rare, 1 - rare, 1 - rare])
    assert float(counted("f1", codes, predicted, 2)) == f1_score(codes, predicted, pos_label=rare) == 0.5


def test_as_many_rows_mean_the_second_class(counted):
    codes, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert float(counted("f1", codes, predicted, 2)) == f1_score(codes, predicted, pos_label=1)


def test_never_predicted_nor_there_is_zero(counted):
    assert float(counted("f1(positive=1)", np.zeros(3, int), np.zeros(3, int), 2)) == 0.0


def test_more_classes_name_macro_f1(counted):
    with pytest.raises(UsageError, match="macro_f1"):
        counted("f1", np.array([0, 1, 2]), np.array([0, 1, 2]), 3)


def test_positive_is_a_code():
    with pytest.raises(UsageError, match="0 or 1"):
        F1(positive=2)
