"""Whole Hessians against differences of the gradient, and the searches that use them against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from steelyard.losses import AsymmetricLoss, CrossEntropyLoss, FocalLoss, LdamLoss, LogitAdjustedLoss, Loss
from steelyard.models import FitTask, Linear
from steelyard.models import linear as linear_module
from steelyard.models._design import design_of
from steelyard.models._newton import newton
from steelyard.models._objective import ManyLabels, OneLabel


def heavy_rows(n_classes: int, rows: int = 1500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns with heavy tails, one of them nearly constant, and rare classes: L-BFGS takes long over them."""
    rng = np.random.default_rng(n_classes)
    X = rng.standard_t(2, size=(rows, 5))
    X[:, 4] = (rng.random(rows) < 0.01) * 10.0
    scores = X @ rng.normal(size=(5, n_classes)) - 1.2 * np.arange(n_classes)
    codes = (scores + 2 * rng.gumbel(size=scores.shape)).argmax(axis=1)
    return X, codes, rng.uniform(0.2, 3.0, size=rows)


def by_differences(objective: OneLabel | ManyLabels, point: np.ndarray, step: float = 1e-6) -> np.ndarray:
    columns = []
    for place in range(len(point)):
        shift = step * (np.arange(len(point)) == place)
        ahead, behind = (objective(at[None], np.array([0]))[1][0] for at in (point + shift, point - shift))
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns)


LOSSES = [
    CrossEntropyLoss(),
    CrossEntropyLoss(label_smoothing=0.1),
    LogitAdjustedLoss(tau=1.5),
    LdamLoss(),
    FocalLoss(gamma=2.0),
    FocalLoss(gamma=0.5),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_hessian_is_the_slope_of_the_gradient(loss: Loss, n_classes: int) -> None:
    X, codes, weight = heavy_rows(n_classes, rows=1100)
    objective = OneLabel(design_of(X), [loss], weight[None], codes, 1.0)
    assert objective.has_hessian(0)
    point = np.random.default_rng(0).normal(size=objective.size) * 0.3
    found = objective.hessian(point, 0, False)
    if n_classes > 2:
        level = np.arange(5, objective.size, 6)
        found[np.ix_(level, level)] -= 1.0 / n_classes  # the direction along which nothing changes
    np.testing.assert_allclose(found, by_differences(objective, point), atol=2e-5 * np.abs(found).max())


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), FocalLoss(2.0), AsymmetricLoss()], ids=str)
def test_hessian_of_a_label_with_unknown_rows(loss: Loss) -> None:
    X, codes, weight = heavy_rows(3, rows=1100)
    targets = np.where(np.arange(1100) % 7 == 0, np.nan, codes == 1)
    objective = ManyLabels(design_of(X), [loss], weight[None], targets[None], 1.0)
    point = np.random.default_rng(0).normal(size=objective.size) * 0.3
    found = objective.hessian(point, 0, False)
    np.testing.assert_allclose(found, by_differences(objective, point), atol=1e-4 * np.abs(found).max())


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_convex_part_has_no_negative_direction(loss: Loss) -> None:
    X, codes, weight = heavy_rows(4, rows=300)
    objective = OneLabel(design_of(X), [loss], weight[None], codes, 1.0)
    point = np.random.default_rng(0).normal(size=objective.size) * 3.0
    assert np.linalg.eigvalsh(objective.hessian(point, 0, True)).min() > 0


@pytest.mark.parametrize("n_classes", [2, 6])
@pytest.mark.parametrize("C", [0.1, 100.0])
def test_a_long_valley_ends_where_scikit_learns_does(n_classes: int, C: float, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []

    def watched(*given: object, **options: object) -> tuple[np.ndarray, bool]:
        steps.append(newton(*given, **options))  # type: ignore[arg-type]
        return steps[-1]

    monkeypatch.setattr(linear_module, "newton", watched)
    monkeypatch.setattr(linear_module, "_LONG", 3)  # two classes would be done before
    X, codes, weight = heavy_rows(n_classes)
    task = FitTask(X, codes, weight, n_classes, CrossEntropyLoss(), np.zeros(5, dtype=bool), 0)
    ours = Linear(C=C).fit(task)
    assert [found for _, found in steps] == [True]
    # Its default solver is 3e-4 away where C is large: there its gradient is 1e5 times ours.
    exact = LogisticRegression(C=C, tol=1e-12, solver="newton-cholesky").fit(X, codes, sample_weight=weight)
    np.testing.assert_allclose(ours.coef.T, exact.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), exact.predict_proba(X), atol=1e-6)


def test_which_search_goes_on_does_not_depend_on_what_stands_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 5))
    codes = (X @ rng.normal(size=(5, 3)) + 2 * rng.gumbel(size=(300, 3))).argmax(axis=1)
    # The one is at its end some steps before the others.
    tasks = [
        FitTask(X, codes, 1.0 + much * (codes == 0), 3, CrossEntropyLoss(), np.zeros(5, dtype=bool), 0)
        for much in (0.0, 30.0, 3000.0)
    ]
    for most in range(1, 16):
        monkeypatch.setattr(linear_module, "_LONG", most)
        together = Linear().fit_many(tasks)
        alone = [Linear().fit(task) for task in tasks]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one.coef, other.coef)  # type: ignore[attr-defined]


class Unnumbered(CrossEntropyLoss):
    """A loss whose Hessian is not known, as one that somebody else wrote."""

    def fused(self, priors: np.ndarray) -> None:
        return None


def test_a_loss_without_hessian_beside_it_changes_nothing() -> None:
    X, codes, weight = heavy_rows(6)
    known, unknown = (
        FitTask(X, codes, weight, 6, loss, np.zeros(5, dtype=bool), 0) for loss in (CrossEntropyLoss(), Unnumbered())
    )
    for one, other in zip(
        Linear().fit_many([known, unknown]), (Linear().fit(known), Linear().fit(unknown)), strict=True
    ):
        np.testing.assert_array_equal(one.coef, other.coef)  # type: ignore[attr-defined]


def test_where_newton_gives_up_lbfgs_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    X, codes, weight = heavy_rows(6)
    task = FitTask(X, codes, weight, 6, CrossEntropyLoss(), np.zeros(5, dtype=bool), 0)
    expected = Linear(max_iter=2000).fit(task)
    monkeypatch.setattr(linear_module, "newton", lambda evaluate, hessian, start, **options: (start, False))
    np.testing.assert_allclose(Linear(max_iter=2000).fit(task).coef, expected.coef, atol=1e-4)


def test_newton_says_when_there_is_no_minimum() -> None:
    def falling(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(-x.sum()), -np.ones_like(x)

    assert newton(falling, lambda x, convex: np.zeros((1, 1)), np.zeros(1), tolerance=1e-6, max_iter=10)[1] is False
