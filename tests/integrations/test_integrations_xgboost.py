"""XGBoost: the mistakes that its custom objectives invite, and the library's own model as the judge."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from steelyard.errors import ArtifactError, UsageError

xgboost = pytest.importorskip("xgboost")
from steelyard.integrations.xgboost import XGBoostClassifier, objective  # noqa: E402

QUIET = {"verbosity": 0, "nthread": 1}


def make_rows(n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_classes)
    codes = rng.choice(n_classes, p=[0.8, 0.2] if n_classes == 2 else [0.7, 0.2, 0.1], size=500)
    return rng.normal(size=(500, 4)) + codes[:, None], codes, rng.uniform(0.5, 2, 500)


def names_of(n_classes: int) -> dict[str, object]:
    return {"objective": "binary:logistic"} if n_classes == 2 else {"objective": "multi:softprob", "num_class": 3}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("neutral", ["focal(gamma=0)", "logit_adjusted(tau=0)"])
def test_natively_a_neutral_loss_is_the_builtin_objective(n_classes: int, neutral: str) -> None:
    X, codes, _ = make_rows(n_classes)
    ours, rows = objective(neutral, codes), xgboost.DMatrix(X, codes)
    booster = xgboost.train({**QUIET, **ours.parameters}, rows, 20, obj=ours)
    own = xgboost.train({**QUIET, **names_of(n_classes)}, rows, 20)
    np.testing.assert_allclose(booster.predict(rows), own.predict(rows), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_applied_as_the_builtin_objective_applies_them(n_classes: int) -> None:
    X, codes, weight = make_rows(n_classes)
    own = xgboost.train({**QUIET, **names_of(n_classes)}, xgboost.DMatrix(X, codes, weight=weight), 20)
    proba = own.predict(xgboost.DMatrix(X))
    for strategy in ("do_nothing", "focal(gamma=0)"):
        ours = XGBoostClassifier(strategy, n_estimators=20).fit(X, codes, sample_weight=weight).predict_proba(X)
        np.testing.assert_allclose(ours[:, 1] if n_classes == 2 else ours, proba, atol=1e-6)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_margins_do_not_pass_for_probabilities(suffix: str, tmp_path: Path) -> None:
    X, codes, _ = make_rows(2)
    # A custom objective without the parameters that belong to it: what comes out are margins, from a wrong start.
    focal, rows = objective("focal(gamma=2)", codes), xgboost.DMatrix(X, codes)
    assert xgboost.train(QUIET, rows, 20, obj=focal).predict(rows).min() < 0
    labels = np.array(["common", "rare"])[codes]
    model = XGBoostClassifier("focal(gamma=2)", n_estimators=20).fit(X, labels)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    path = model.save(tmp_path / f"model.{suffix}")
    np.testing.assert_allclose(xgboost.Booster(model_file=str(path)).predict(rows), proba[:, 1], atol=1e-6)
    again = XGBoostClassifier.load(path)
    assert again.classes_.tolist() == ["common", "rare"]
    assert np.array_equal(again.predict_proba(X), proba)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_metric_of_a_neutral_loss_is_the_builtin_one(n_classes: int) -> None:
    X, codes, weight = make_rows(n_classes)
    ours, rows = objective("focal(gamma=0)", codes), xgboost.DMatrix(X, codes, weight=weight)
    seen: dict[str, dict[str, list[float]]] = {}
    xgboost.train(
        {**QUIET, **ours.parameters, "eval_metric": "logloss" if n_classes == 2 else "mlogloss"}, rows, 5, obj=ours,
        custom_metric=ours.evaluation(), evals=[(rows, "rows")], evals_result=seen, verbose_eval=False,
    )  # fmt: skip
    builtin = seen["rows"]["logloss" if n_classes == 2 else "mlogloss"]
    np.testing.assert_allclose(seen["rows"]["focal"], builtin, rtol=1e-5)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the sampling balanced"):
        XGBoostClassifier("balanced").fit(np.zeros((4, 1)), [0, 1, 0, 1])
    (tmp_path / "bad.ubj").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="no XGBoost model"):
        XGBoostClassifier.load(tmp_path / "bad.ubj")


@parametrize_with_checks([XGBoostClassifier("inverse", n_estimators=5)])
def test_scikit_learns_checks(estimator: XGBoostClassifier, check: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(clone(estimator))  # type: ignore[operator]
