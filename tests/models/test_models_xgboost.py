"""XGBoost as a model, against the library called by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss
from steelyard.models import FitTask, Xgboost

xgboost = pytest.importorskip("xgboost")


def make_task(n_classes: int) -> FitTask:
    rng = np.random.default_rng(n_classes)
    codes = rng.integers(n_classes, size=400)
    X = rng.normal(size=(400, 4)) + codes[:, None]
    X[rng.random((400, 4)) < 0.1] = np.nan
    return FitTask(X, codes, rng.uniform(0.5, 2, 400), n_classes, CrossEntropyLoss(), np.zeros(4, dtype=bool), 3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_xgboosts(n_classes: int) -> None:
    task = make_task(n_classes)
    theirs = xgboost.XGBClassifier(n_estimators=20, n_jobs=1, learning_rate=0.3, max_depth=6)
    theirs.fit(task.X, task.codes, sample_weight=task.sample_weight)
    ours = Xgboost(n_estimators=20).fit(task).predict_proba(task.X)
    np.testing.assert_allclose(ours, theirs.predict_proba(task.X), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("neutral", [FocalLoss(0), LogitAdjustedLoss(0)], ids=str)
def test_a_loss_that_is_cross_entropy_gives_xgboosts_own_model(n_classes: int, neutral: FocalLoss) -> None:
    task = make_task(n_classes)
    own = Xgboost(n_estimators=20).fit(task).predict_proba(task.X)
    ours = Xgboost(n_estimators=20).fit(replace(task, loss=neutral)).predict_proba(task.X)
    np.testing.assert_allclose(ours, own, atol=1e-6)
    assert (
        np.abs(Xgboost(n_estimators=20).fit(replace(task, loss=FocalLoss(2))).predict_proba(task.X) - own).max() > 0.01
    )


def test_few_rare_rows_still_make_trees() -> None:
    """At its own best constant focal loss has curvature; at the class shares it would have hardly any."""
    codes = np.repeat([0, 1], [485, 15])
    X = np.where(codes, 1.0, 0.0)[:, None] + np.random.default_rng(0).normal(scale=0.1, size=(500, 1))
    task = FitTask(X, codes, np.ones(500), 2, FocalLoss(5), np.zeros(1, dtype=bool), 0)
    proba = Xgboost(n_estimators=20).fit(task).predict_proba(X)[:, 1]
    assert proba[codes == 1].mean() - proba[codes == 0].mean() > 0.3


@pytest.mark.parametrize("bad", [{"n_estimators": 0}, {"max_depth": 0.5}, {"learning_rate": 0}])
def test_what_makes_no_trees_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="xgboost: "):
        Xgboost(**bad)  # type: ignore[arg-type]
