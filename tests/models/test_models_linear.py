"""The linear model against scikit-learn at tight tolerance, and against torch for other losses."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss, Loss
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
