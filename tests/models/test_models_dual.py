"""Coordinate ascent on the dual against scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Linear

Array = Any


def text_task(labels: int = 3, rows: int = 400) -> FitTask:
    """Sparse rows of single precision, rare labels, some of them unknown; a row without any feature."""
    rng = np.random.default_rng(2)
    X = (rng.random((rows, 50)) * (rng.random((rows, 50)) < 0.15)).astype(np.float32)
    X[7] = 0.0
    Y = (X[:, :labels] + 0.3 * rng.random((rows, labels)) > np.linspace(0.3, 0.9, labels)).astype(float)
    Y[rng.random(Y.shape) < 0.1] = np.nan
    weight = np.where(Y == 1, 6.0, 0.7)
    return FitTask(sparse.csr_array(X), Y, weight, labels, CrossEntropyLoss(), np.zeros(50, dtype=bool), 0)  # type: ignore[arg-type]


def expected(task: FitTask, label: int, C: float) -> LogisticRegression:
    known = ~np.isnan(task.codes[:, label])
    rows, weight = task.X.toarray()[known], task.sample_weight[known, label]  # type: ignore[attr-defined]
    model = LogisticRegression(C=C, tol=1e-9, max_iter=20000)
    return model.fit(rows.astype(np.float64), task.codes[known, label], sample_weight=weight)


@pytest.mark.parametrize("C", [0.3, 30.0])
def test_coefficients_are_those_of_scikit_learn(C: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steelyard.models.linear._NEAR", 1e-6)
    monkeypatch.setattr("steelyard.models.linear._PASSES", 3000)
    task = text_task()
    ours = Linear(C=C, max_iter=3000).fit(task)
    for label in range(3):
        theirs = expected(task, label, C)
        np.testing.assert_allclose(ours.coef[:, label], theirs.coef_[0], atol=2e-4 * np.abs(theirs.coef_).max())
        assert ours.intercept[label] == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_probabilities_are_near_at_the_tolerance_that_is_used() -> None:
    task = text_task()
    ours = Linear(C=1.0).fit(task).predict_proba(task.X)
    for label in range(3):
        theirs = expected(task, label, 1.0).predict_proba(task.X.toarray())[:, 1]  # type: ignore[attr-defined]
        np.testing.assert_allclose(ours[:, label], theirs, atol=2e-3)


def test_a_problem_ends_the_same_whatever_stands_beside_it() -> None:
    task = text_task(labels=40)
    weight = np.where(task.codes == 1, 2.0, 1.0)
    tasks = [task, replace(task, sample_weight=weight)]
    for alone, together in zip(tasks, Linear().fit_many(tasks), strict=True):
        assert np.array_equal(Linear().fit(alone).coef, together.coef)


def test_what_the_passes_leave_is_searched_for_by_steps_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    task = text_task()
    whole = Linear().fit(task)
    monkeypatch.setattr("steelyard.models.linear._PASSES", 1)
    other = Linear().fit(task)
    assert not np.array_equal(whole.coef, other.coef)
    np.testing.assert_allclose(whole.predict_proba(task.X), other.predict_proba(task.X), atol=3e-3)
