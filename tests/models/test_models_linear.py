"""The linear model against scikit-learn at tight tolerance, and against torch for other losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss, Loss
from steelyard.models import FitTask, Linear


def make_task(n_classes: int, loss: Loss | None = None, rows: int = 800) -> FitTask:
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(rows, 6))
    codes = (X @ rng.normal(size=(6, n_classes)) + 2 * rng.gumbel(size=(rows, n_classes))).argmax(axis=1)
    weight = rng.uniform(0.5, 2.0, size=rows)
    return FitTask(X, codes, weight, n_classes, loss or CrossEntropyLoss(), np.zeros(6, dtype=bool), 0)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_coefficients_are_scikit_learns(n_classes: int, C: float) -> None:
    task = make_task(n_classes)
    ours = Linear(C=C, max_iter=2000).fit(task)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=20000).fit(
        task.X, task.codes, sample_weight=task.sample_weight
    )
    np.testing.assert_allclose(ours.coef.T, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(task.X), theirs.predict_proba(task.X), atol=1e-4)


def test_focal_reaches_a_point_where_torchs_gradient_vanishes() -> None:
    torch = pytest.importorskip("torch")
    task = make_task(3, FocalLoss(2.0))
    fitted = Linear(C=1.0, max_iter=2000).fit(task)
    W = torch.tensor(fitted.coef, requires_grad=True)
    b = torch.tensor(fitted.intercept, requires_grad=True)
    log_p = torch.log_softmax(torch.tensor(task.X) @ W + b, dim=1)[torch.arange(len(task.codes)), task.codes]
    loss = (torch.tensor(task.sample_weight) * -((1 - log_p.exp()) ** 2) * log_p).sum() + 0.5 * (W**2).sum()
    loss.backward()
    assert float(W.grad.abs().max()) / task.sample_weight.sum() < 1e-5
    assert float(b.grad.abs().max()) / task.sample_weight.sum() < 1e-5


def test_weights_are_repetition() -> None:
    task = make_task(3, rows=200)
    times = np.random.default_rng(0).integers(1, 4, size=200)
    weighted = FitTask(task.X, task.codes, times.astype(float), 3, task.loss, task.categorical, 0)
    rows = np.repeat(np.arange(200), times)
    repeated = FitTask(task.X[rows], task.codes[rows], np.ones(len(rows)), 3, task.loss, task.categorical, 0)
    np.testing.assert_allclose(Linear().fit(weighted).coef, Linear().fit(repeated).coef, atol=1e-4)


def test_no_columns_gives_the_class_shares() -> None:
    codes = np.repeat([0, 1, 2], [60, 30, 10])
    task = FitTask(np.empty((100, 0)), codes, np.ones(100), 3, CrossEntropyLoss(), np.zeros(0, dtype=bool), 0)
    np.testing.assert_allclose(Linear().fit(task).predict_proba(np.empty((1, 0)))[0], [0.6, 0.3, 0.1], atol=1e-4)


@pytest.mark.parametrize("bad", [{"C": 0}, {"C": -1.0}, {"max_iter": 0}])
def test_what_is_not_positive_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be positive"):
        Linear(**bad)  # type: ignore[arg-type]


def weightings(task: FitTask, losses: list[Loss]) -> list[FitTask]:
    """The task under several class weightings and losses."""
    counts = np.bincount(task.codes)
    found = []
    for power in (0.0, 0.5, 1.0):
        weight = (1 / counts**power)[task.codes]
        found += [replace(task, sample_weight=weight / weight.mean(), loss=loss) for loss in losses]
    return found


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_a_strategy_gets_the_same_bits_whatever_stands_beside_it(n_classes: int) -> None:
    task = make_task(n_classes, rows=1100)
    tasks = weightings(task, [CrossEntropyLoss(), FocalLoss(2.0), LogitAdjustedLoss()])
    together = Linear().fit_many(tasks)
    for chosen in ([4], [8, 0], [1, 2, 5, 6]):
        for place, alone in zip(chosen, Linear().fit_many([tasks[place] for place in chosen]), strict=True):
            assert np.array_equal(alone.coef, together[place].coef)
            assert np.array_equal(alone.intercept, together[place].intercept)


def test_strategies_side_by_side_are_each_scikit_learns() -> None:
    tasks = weightings(make_task(4), [CrossEntropyLoss()])
    for task, ours in zip(tasks, Linear().fit_many(tasks), strict=True):
        theirs = LogisticRegression(tol=1e-10, max_iter=20000).fit(task.X, task.codes, sample_weight=task.sample_weight)
        np.testing.assert_allclose(ours.coef.T, theirs.coef_, atol=1e-4)


def test_columns_of_very_different_scale_and_nearly_equal_ones() -> None:
    task = make_task(3)
    X = np.column_stack([task.X * np.logspace(-2, 3, 6), task.X[:, 0] + 1e-3 * task.X[:, 1], np.ones(len(task.X))])
    ours = Linear(max_iter=2000).fit(replace(task, X=X))
    theirs = LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=500).fit(
        X, task.codes, sample_weight=task.sample_weight
    )
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_sparse_rows_give_what_dense_rows_give(n_classes: int) -> None:
    task = make_task(n_classes)
    X = np.where(np.abs(task.X) > 0.8, task.X, 0.0)
    dense, thin = (Linear().fit(replace(task, X=rows)) for rows in (X, sparse.csr_array(X)))
    np.testing.assert_allclose(thin.coef, dense.coef, atol=1e-4)
    np.testing.assert_allclose(thin.predict_proba(sparse.csr_array(X)), dense.predict_proba(X), atol=1e-4)


def multilabel_task(rows: int = 700) -> FitTask:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(rows, 5))
    Y = (X @ rng.normal(size=(5, 4)) + rng.logistic(size=(rows, 4)) > [0.0, 1.0, 3.0, 9.9]).astype(float)
    Y[:, 3] = 0.0
    weight = rng.uniform(0.5, 2.0, size=Y.shape)
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return FitTask(X, Y, weight, 4, CrossEntropyLoss(), np.zeros(5, dtype=bool), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_each_label_is_a_logistic_regression_on_the_rows_where_it_is_known(form: Any) -> None:
    task = multilabel_task()
    ours = Linear().fit(replace(task, X=form(task.X)))
    proba = ours.predict_proba(form(task.X))
    for label in range(3):
        known = ~np.isnan(task.codes[:, label])
        theirs = LogisticRegression(tol=1e-10, max_iter=20000).fit(
            task.X[known], task.codes[known, label], sample_weight=task.sample_weight[known, label]
        )
        np.testing.assert_allclose(ours.coef[:, label], theirs.coef_[0], atol=1e-4)
        np.testing.assert_allclose(proba[:, label], theirs.predict_proba(task.X)[:, 1], atol=1e-4)
    assert not proba[:, 3].any()
    assert np.array_equal(Linear().restore(ours.to_state()).predict_proba(form(task.X)), proba)


def test_labels_that_all_rows_have_or_none_is_known_of() -> None:
    task = multilabel_task()
    Y = task.codes.copy()
    Y[:, 0], Y[:, 1] = 1.0, np.nan
    proba = Linear().fit(replace(task, codes=Y)).predict_proba(task.X)
    assert (proba[:, 0] == 1).all()
    assert (proba[:, 1] == 0).all()
    assert set(np.unique(proba[:, 3])) == {0.0}


def test_several_labels_get_the_same_bits_whatever_stands_beside_them() -> None:
    task = multilabel_task()
    tasks = [replace(task, loss=loss) for loss in (CrossEntropyLoss(), FocalLoss(1.0), LogitAdjustedLoss())]
    for alone, together in zip(tasks, Linear().fit_many(tasks), strict=True):
        assert np.array_equal(Linear().fit(alone).coef, together.coef)


def test_problems_in_portions_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = weightings(make_task(3), [CrossEntropyLoss()])
    whole = [fitted.coef for fitted in Linear().fit_many(tasks)]
    monkeypatch.setattr("steelyard.models.linear._BUDGET", 1)
    assert all(map(np.array_equal, whole, [fitted.coef for fitted in Linear().fit_many(tasks)]))


def test_sparse_rows_in_single_precision_end_where_those_in_double_do() -> None:
    rng = np.random.default_rng(0)
    dense = (rng.random((300, 60)) * (rng.random((300, 60)) < 0.2)).astype(np.float32)
    codes = (dense[:, 0] + dense[:, 1] + 0.2 * rng.random(300) > 0.4).astype(np.int64)

    def proba(X: Any) -> Any:
        weight, mask = np.ones(300), np.zeros(60, dtype=bool)
        made = FitTask(X, codes, weight, 2, CrossEntropyLoss(), mask, 0)
        return Linear(C=3.0).fit(made).predict_proba(X)

    single, double = proba(sparse.csr_array(dense)), proba(sparse.csr_array(dense.astype(np.float64)))
    assert not np.array_equal(single, double)
    np.testing.assert_allclose(single, double, atol=2e-3)
    theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=2000).fit(dense, codes).predict_proba(dense)
    np.testing.assert_allclose(single, theirs, atol=2e-3)
