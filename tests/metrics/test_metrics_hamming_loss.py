from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import hamming_loss

from steelyard.metrics import get_metric


def test_with_one_label_a_row_it_is_scikit_learns(case, counted):
    codes, _, predicted, n_classes = case
    assert counted("hamming_loss", codes, predicted, n_classes) == pytest.approx(hamming_loss(codes, predicted))


def test_with_several_each_row_counts_by_its_known_entries():
    Y = np.array([[1.0, 0.0, np.nan], [np.nan, np.nan, 1.0], [np.nan] * 3])
    values, mass = get_metric("hamming_loss").from_rows(Y, np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1]]))
    assert mass.tolist() == [2, 1, 0]
    assert np.average(values, weights=mass) == pytest.approx(1 / 3)
