from __future__ import annotations

import numpy as np
import pytest

from steelyard.decisions import Cost
from steelyard.errors import UsageError


@pytest.mark.parametrize("seed", range(5))
def test_cheapest_label_by_enumeration(seed):
    rng = np.random.default_rng(seed)
    cost, proba = rng.normal(size=(4, 4)), rng.dirichlet(np.ones(4), 50)
    expected = [
        min(range(4), key=lambda label: sum(row[true] * cost[true, label] for true in range(4))) for row in proba
    ]
    assert Cost(cost).fit(proba).predict(proba).tolist() == expected


def test_binary_costs_are_a_threshold():
    # Elkan 2001, equation 2: positive from p = (c10 - c00) / (c10 - c00 + c01 - c11), here 1 / (1 + 4) = .2.
    scores = np.array([0.19, 0.21])
    assert Cost([[0, 1], [4, 0]]).fit(scores).predict(scores).tolist() == [0, 1]


def test_benefits_are_negative_costs():
    proba = np.array([[0.6, 0.4]])
    assert Cost([[-1, 0], [0, -3]]).fit(proba).predict(proba).tolist() == [1]


def test_equal_costs_mean_the_lowest_code():
    assert Cost(np.ones((3, 3))).fit(np.eye(3)).predict(np.eye(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("matrix", [[[0, 1]], [0, 1], [[0]], [[0, 1], [2]], "cheap", [[0, np.nan], [1, 0]]])
def test_matrices_that_cannot_be(matrix):
    with pytest.raises(UsageError, match="cost:"):
        Cost(matrix)


def test_wrong_forms_are_refused():
    with pytest.raises(UsageError, match=r"\(n_samples, 2\)"):
        Cost([[0, 1], [1, 0]]).fit(np.full((2, 3), 1 / 3))
    with pytest.raises(UsageError, match="threshold"):
        Cost([[0, 1], [1, 0]]).fit(np.full((2, 2), 0.5), np.ones((2, 2)))
