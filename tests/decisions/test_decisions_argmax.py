from __future__ import annotations

import numpy as np
import pytest

from steelyard.decisions import Argmax
from steelyard.errors import UsageError


def test_most_probable_class_and_the_lowest_of_equals():
    proba = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.0, 0.5, 0.5]])
    assert Argmax().fit(proba, np.array([0, 1, 2])).predict(proba).tolist() == [1, 0, 1]


def test_one_column_agrees_with_two():
    scores = np.array([0.2, 0.5, 0.8])
    y = np.array([0, 1, 1])
    both = np.column_stack([1 - scores, scores])
    assert Argmax().fit(scores, y).predict(scores).tolist() == [0, 0, 1]
    assert Argmax().fit(both, y).predict(both).tolist() == [0, 0, 1]


def test_labels_above_one_half():
    proba = np.array([[0.7, 0.6, 0.1], [0.2, 0.5, 0.4]])
    rule = Argmax().fit(proba, np.array([[1, 1, 0], [0, np.nan, 0]]))
    assert rule.predict(proba).tolist() == [[1, 1, 0], [0, 0, 0]]
    with pytest.raises(UsageError, match="n_labels"):
        rule.predict(np.array([0.5]))
