"""Values left open in the classifier: searched inside its folds, kept, and refused where nothing searches them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss

import steelyard as sy
from steelyard.errors import UnknownNameError, UsageError


def table(n: int = 160, noise: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """Two columns that tell the classes apart among many of noise: less C is better."""
    rng = np.random.default_rng(3)
    y = np.repeat(["common", "rare"], [n * 3 // 4, n // 4])
    X = rng.normal(size=(n, 2 + noise))
    X[:, :2] += 0.8 * (y == "rare")[:, None]
    return X, y


def searching(**changes: Any) -> sy.SteelyardClassifier:
    given = {"model": "linear(C=0.01|10)", "strategy": "do_nothing", "tune": "grid", "n_jobs": 1}
    return sy.SteelyardClassifier(**{**given, **changes})


@pytest.fixture(scope="module")
def fitted() -> sy.SteelyardClassifier:
    return searching(strategy="auto").fit(*table())


def test_the_value_that_generalises_is_found_and_trained(fitted: Any) -> None:
    X, y = table()
    assert [search["values"] for search in fitted.tuning_] == [{"linear.C": 0.01}] * 3
    assert {arm.model for arm in fitted.arms_} == {"linear(C=0.01)"}
    assert fitted.arms_[0].note == "linear.C = 0.01"
    alone = sy.SteelyardClassifier(model="linear(C=0.01)", n_jobs=1).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), alone.predict_proba(X), atol=0.05)


def test_out_of_fold_scores_are_those_of_the_search_in_the_other_folds() -> None:
    X, y = table()
    clf = searching(metric="macro_f1").fit(X, y)
    (search,) = clf.tuning_
    folds = {each["fold"]: each for each in search["searches"]}
    assert set(folds) == {None, 0, 1, 2, 3, 4}
    assert all(len(each["trials"]) == 2 for each in folds.values())
    # Its scores are those of rows it never saw: a model of all rows knows them better.
    seen = log_loss(y, clf.predict_proba(X))
    assert log_loss(clf.classes_[clf.oof_.codes], clf.oof_.proba) > seen


def test_the_adjustment_and_the_rule_found_are_those_that_predict() -> None:
    X, y = table()
    clf = searching(model="linear", strategy="prior(tau=0|1) + threshold", metric="balanced_accuracy").fit(X, y)
    (tau,) = clf.tuning_[0]["values"].values()
    same = sy.SteelyardClassifier(
        model="linear", strategy=f"prior(tau={tau}) + threshold", metric="balanced_accuracy", n_jobs=1
    ).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X), same.predict_proba(X), atol=1e-6)


def test_it_is_cloned_saved_and_read_with_its_searches(fitted: Any, tmp_path: Path) -> None:
    X, _ = table()
    assert clone(fitted).get_params() == fitted.get_params()
    again = sy.load(fitted.save(tmp_path / "model"))
    assert again.tuning_ == fitted.tuning_
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_a_fit_that_searches_nothing_forgets_earlier_searches() -> None:
    X, y = table(60, 1)
    clf = searching(model="linear(C=0.1|1)").fit(X, y)
    assert clf.tuning_
    assert clf.set_params(model="linear", tune=None).fit(X, y).tuning_ == []


@pytest.mark.filterwarnings("ignore:time_limit")
def test_no_time_for_a_search_trains_what_does_nothing() -> None:
    X, y = table(60, 1)
    clf = searching(strategy="inverse + threshold", time_limit=1e-6).fit(X, y)
    assert clf.arms_ == []
    assert clf.predict(X).shape == y.shape


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"tune": None}, UsageError, r"linear.C is left open .* give tune='random'"),
        ({"tune": "random", "model": "auto", "strategy": "auto"}, UsageError, "tune searches models or a strategy"),
        ({"tune": "annealing"}, UnknownNameError, "unknown way of tuning 'annealing'"),
        ({"trials": 1}, UsageError, "grid of 2 points"),
        ({"trials": 0}, UsageError, "trials must be a whole number"),
        ({"tune": None, "model": "linear", "trials": 3}, UsageError, "needs --tune"),
        ({"model": "lda(shrinkage=0.1)"}, UsageError, "nothing to search"),
    ],
)
def test_what_cannot_be_searched_is_said(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        searching(**changes).fit(*table(60, 1))
