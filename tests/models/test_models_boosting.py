"""Boosting: both of its engines, against the libraries called by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from steelyard.errors import MissingExtraError, UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss
from steelyard.models import Boosting, FitTask
from steelyard.models import boosting as module


def make_task(n_classes: int) -> FitTask:
    rng = np.random.default_rng(n_classes)
    codes = rng.integers(n_classes, size=400)
    X = rng.normal(size=(400, 4)) + codes[:, None]
    X[rng.random((400, 4)) < 0.1] = np.nan
    return FitTask(X, codes, rng.uniform(0.5, 2, 400), n_classes, CrossEntropyLoss(), np.zeros(4, dtype=bool), 3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_lightgbm_it_is_scikit_learns(n_classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_lightgbm", lambda: False)
    task = make_task(n_classes)
    theirs = HistGradientBoostingClassifier(max_iter=30, learning_rate=0.2, early_stopping=False, random_state=3)
    theirs.fit(task.X, task.codes, sample_weight=task.sample_weight)
    ours = Boosting(n_estimators=30, learning_rate=0.2).fit(task)
    np.testing.assert_array_equal(ours.predict_proba(task.X), theirs.predict_proba(task.X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_with_lightgbm_it_is_lightgbms(n_classes: int) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    task = make_task(n_classes)
    theirs = lightgbm.LGBMClassifier(
        n_estimators=30, learning_rate=0.2, n_jobs=1, verbosity=-1, random_state=3, deterministic=True,
        force_row_wise=True,
    )  # fmt: skip
    theirs.fit(task.X, task.codes, sample_weight=task.sample_weight)
    ours = Boosting(n_estimators=30, learning_rate=0.2).fit(task)
    np.testing.assert_allclose(
        ours.predict_proba(task.X), theirs.booster_.predict(task.X) if n_classes > 2
        else np.column_stack([1 - theirs.booster_.predict(task.X), theirs.booster_.predict(task.X)]), atol=1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("bad", [{"n_estimators": 0}, {"num_leaves": 1}, {"learning_rate": 0}, {"n_estimators": 2.5}])
def test_what_makes_no_trees_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="boosting: "):
        Boosting(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("neutral", [FocalLoss(0), LogitAdjustedLoss(0)], ids=str)
def test_a_loss_that_is_cross_entropy_gives_lightgbms_own_model(n_classes: int, neutral: FocalLoss) -> None:
    pytest.importorskip("lightgbm")
    task = make_task(n_classes)
    own = Boosting(n_estimators=30).fit(task).predict_proba(task.X)
    ours = Boosting(n_estimators=30).fit(replace(task, loss=neutral)).predict_proba(task.X)
    np.testing.assert_allclose(ours, own, atol=1e-6)
    assert (
        np.abs(Boosting(n_estimators=30).fit(replace(task, loss=FocalLoss(2))).predict_proba(task.X) - own).max() > 0.05
    )


def test_columns_that_cannot_be_split_leave_the_best_constant() -> None:
    pytest.importorskip("lightgbm")
    task = make_task(3)
    flat = replace(task, X=np.full_like(task.X, np.nan), loss=LogitAdjustedLoss(0))
    weighted = np.bincount(task.codes, weights=task.sample_weight) / task.sample_weight.sum()
    np.testing.assert_allclose(Boosting(n_estimators=3).fit(flat).predict_proba(task.X[:1])[0], weighted, atol=1e-6)


def test_scikit_learns_trees_take_no_other_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_lightgbm", lambda: False)
    assert not Boosting().any_loss
    with pytest.raises(MissingExtraError, match="the loss focal"):
        Boosting().fit(replace(make_task(2), loss=FocalLoss()))
