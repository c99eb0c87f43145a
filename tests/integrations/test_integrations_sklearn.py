"""A strategy around any scikit-learn classifier: what it does by hand, where it works, what it refuses."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import steelyard as sy
from steelyard.errors import UsageError
from steelyard.integrations.sklearn import StrategyClassifier

NAMES = np.array(["common", "rare", "rarer"])


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    X, codes = make_classification(
        400, 6, n_informative=4, n_classes=3, weights=[0.8, 0.14], class_sep=0.8, random_state=0
    )
    return X, NAMES[codes]


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize(
    "labels", [NAMES, np.array([5, 7, 9]), np.array([1.0, 2.0, 3.0])], ids=lambda labels: labels.dtype.kind
)
@pytest.mark.parametrize("scheme", ["inverse", "sqrt", "log", "effective_number(beta=0.99)", "median_frequency"])
def test_any_scheme_is_a_class_weight(rows: tuple[np.ndarray, np.ndarray], labels: np.ndarray, scheme: str) -> None:
    X, y = rows[0], labels[np.searchsorted(NAMES, rows[1])]
    weights = sy.class_weights(y, scheme)
    by_row = LogisticRegression().fit(X, y, sample_weight=sy.sample_weights(y, weights))
    for given in (weights.as_dict(), dict(weights)):
        found = LogisticRegression(class_weight=given).fit(X, y)
        np.testing.assert_allclose(found.coef_, by_row.coef_, atol=1e-6)
    if scheme == "inverse":
        balanced = LogisticRegression(class_weight="balanced").fit(X, y)
        np.testing.assert_allclose(by_row.coef_, balanced.coef_, atol=1e-6)
    assert RandomForestClassifier(3, class_weight=weights.as_dict()).fit(X, y).score(X, y) > 0.5


def test_weighting_is_class_weight(rows: tuple[np.ndarray, np.ndarray]) -> None:
    ours = StrategyClassifier(LogisticRegression(), "inverse").fit(*rows)
    theirs = LogisticRegression(class_weight="balanced").fit(*rows)
    np.testing.assert_allclose(ours.predict_proba(rows[0]), theirs.predict_proba(rows[0]), atol=1e-8)
    assert np.array_equal(ours.predict(rows[0]), theirs.predict(rows[0]))


def test_adjustments_and_rules_by_hand(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    plain = LogisticRegression().fit(X, y).predict_proba(X)
    shares = np.array([np.mean(y == name) for name in NAMES])
    adjusted = StrategyClassifier(LogisticRegression(), "prior").fit(X, y).predict_proba(X)
    np.testing.assert_allclose(adjusted, plain / shares / (plain / shares).sum(axis=1, keepdims=True))
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    tuned = StrategyClassifier(LogisticRegression(), "multipliers(metric=macro_f1)", cv=folds).fit(X, y)
    out_of_fold = cross_val_predict(LogisticRegression(), X, y, cv=folds, method="predict_proba")
    rule = sy.decisions.Multipliers(metric="macro_f1").fit(out_of_fold, np.searchsorted(NAMES, y))
    # cross_val_predict gives the rows in their order, the folds one after the other: sums differ in the last digits.
    np.testing.assert_allclose(tuned.decision_.log_multipliers, rule.log_multipliers, atol=1e-9)
    assert f1_score(y, tuned.predict(X), average="macro") > f1_score(y, NAMES[plain.argmax(axis=1)], average="macro")


def test_resampling_stays_inside_the_training_rows() -> None:
    """Oversampling before the split puts copies of scored rows into training: skill out of pure noise."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 5)), (rng.random(400) < 0.1).astype(int)
    tree = DecisionTreeClassifier(random_state=0)
    copied = sy.samplers.Oversample(random_state=0).fit_resample(X, y)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    leaked = cross_val_score(tree, *copied, scoring="f1", cv=folds).mean()
    inside = cross_val_score(
        StrategyClassifier(tree, "oversample", random_state=0), X, y, scoring="f1", cv=folds
    ).mean()
    assert leaked > 0.85
    assert inside < 0.3
    seen: list[int] = []

    class Spy(GaussianNB):
        def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: object = None) -> GaussianNB:
            seen.append(int(np.bincount(y)[0] == np.bincount(y)[1]))
            return super().fit(X, y, sample_weight)

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            assert len(np.unique(X, axis=0)) == len(X)
            return super().predict_proba(X)

    StrategyClassifier(Spy(), "oversample + threshold", cv=4, random_state=0).fit(X, y)
    assert seen == [1] * 5


def test_a_loss_goes_to_an_estimator_that_takes_one(rows: tuple[np.ndarray, np.ndarray]) -> None:
    pytest.importorskip("lightgbm")
    from steelyard.integrations.lightgbm import LightGBMClassifier

    X, y = rows
    alone = LightGBMClassifier("inverse + focal(gamma=1)", n_estimators=5).fit(X, y).predict_proba(X)
    for estimator in (LightGBMClassifier(n_estimators=5), make_pipeline(LightGBMClassifier(n_estimators=5))):
        inside = StrategyClassifier(estimator, "inverse + focal(gamma=1)").fit(X, y)
        np.testing.assert_allclose(inside.predict_proba(X), alone, atol=1e-9)
    with pytest.raises(UsageError, match="LogisticRegression is trained with its own loss and cannot minimise focal"):
        StrategyClassifier(LogisticRegression(), "focal").fit(X, y)


class Unweighted(ClassifierMixin, BaseEstimator):
    def fit(self, X: np.ndarray, y: np.ndarray) -> Unweighted:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize(
    ("estimator", "strategy", "message"),
    [
        (KNeighborsClassifier(), "inverse", "KNeighborsClassifier takes no sample_weight, so it cannot be weighted by"),
        (make_pipeline(StandardScaler(), Unweighted()), "sqrt", "Unweighted takes no sample_weight"),
        (LinearSVC(), "prior", "LinearSVC has no predict_proba"),
        (LogisticRegression(), "nothing_known", "unknown strategy"),
    ],
    ids=str,
)
def test_what_an_estimator_cannot_take_is_refused(
    rows: tuple[np.ndarray, np.ndarray], estimator: object, strategy: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        StrategyClassifier(estimator, strategy).fit(*rows)


def test_a_frozen_estimator_is_not_trained_again(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    trained = LogisticRegression().fit(X[:200], y[:200])
    tuned = StrategyClassifier(FrozenEstimator(trained), "multipliers").fit(X[200:], y[200:])
    assert np.array_equal(tuned.predict_proba(X), trained.predict_proba(X))
    rule = sy.decisions.Multipliers().fit(trained.predict_proba(X[200:]), np.searchsorted(NAMES, y[200:]))
    assert np.array_equal(tuned.predict(X), NAMES[rule.predict(trained.predict_proba(X))])
    for strategy in ("inverse", "oversample", "focal"):
        with pytest.raises(UsageError, match="FrozenEstimator is not trained again"):
            StrategyClassifier(FrozenEstimator(trained), strategy).fit(X, y)


def test_it_works_in_a_pipeline_a_search_and_on_data_frames(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(kind=np.where(X[:, 0] > 0, "u", "v"))
    encode = make_column_transformer((OneHotEncoder(), ["kind"]), remainder=StandardScaler())
    outside = Pipeline([("encode", encode), ("model", StrategyClassifier(LogisticRegression(), random_state=0))])
    grid = {"model__strategy": ["do_nothing", "inverse + multipliers"], "model__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(outside, grid, scoring="f1_macro", cv=3).fit(frame, y)
    assert set(search.best_params_) == set(grid)
    assert set(search.predict(frame)) <= set(NAMES)
    inside = StrategyClassifier(make_pipeline(encode, LogisticRegression()), "inverse + multipliers", random_state=0)
    inside.fit(frame, y)
    assert inside.feature_names_in_.tolist() == list(frame.columns)
    assert clone(inside).get_params()["strategy"] == "inverse + multipliers"
    for strategy in ("oversample", "balanced", "undersample"):
        assert set(StrategyClassifier(clone(inside.estimator), strategy).fit(frame, y).predict(frame)) <= set(NAMES)


def test_groups_stay_in_one_fold_and_weights_arrive(rows: tuple[np.ndarray, np.ndarray], routing: None) -> None:
    X, y = rows
    groups, weight = np.arange(400) // 4, np.random.default_rng(0).uniform(0.5, 2, 400)
    fitted: list[tuple[frozenset[int], float]] = []

    class Spy(LogisticRegression):
        def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> LogisticRegression:
            assert sample_weight is not None
            fitted.append((frozenset(X[:, -1].astype(int)), float(sample_weight.sum())))
            return super().fit(X, y, sample_weight)

    with_group = np.column_stack([X, groups])
    asks = StrategyClassifier(Spy(max_iter=5000), "multipliers", cv=4, random_state=0)
    asks = asks.set_fit_request(sample_weight=True, groups=True).set_score_request(sample_weight=True)
    make_pipeline(asks).fit(with_group, y, sample_weight=weight, groups=groups)
    assert fitted[0][1] == pytest.approx(weight.sum())
    in_folds = [seen for seen, _ in fitted[1:]]
    assert len(in_folds) == 4
    # A group is trained on in all folds but the one it is scored in.
    assert [sum(group in seen for seen in in_folds) for group in range(100)] == [3] * 100
    scores = cross_val_score(
        make_pipeline(clone(asks)), with_group, y, cv=GroupKFold(3), params={"groups": groups, "sample_weight": weight}
    )
    assert scores.min() > 0.5


def test_classes_with_fewer_rows_than_folds() -> None:
    rng = np.random.default_rng(0)
    y = np.array(["a"] * 60 + ["b"] * 3 + ["c"])
    X = rng.normal(size=(64, 2)) + (y == "b")[:, None] * 3
    model = StrategyClassifier(LogisticRegression(), "multipliers", cv=5, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert "under 20 rows" in model.decision_.notes[0]
    with pytest.raises(UsageError, match="cv=65 folds cannot be made of 64 rows"):
        clone(model).set_params(cv=65).fit(X, y)


def test_the_positive_class_is_the_rarer_one_or_the_one_named() -> None:
    X, codes = make_classification(300, weights=[0.1], flip_y=0.1, random_state=0)
    y = np.array(["no", "yes"])[codes]
    rarer = StrategyClassifier(LogisticRegression(), "threshold(metric=f1)", random_state=0).fit(X, y)
    named = clone(rarer).set_params(pos_label="yes").fit(X, y)
    assert f1_score(y, rarer.predict(X), pos_label="no") >= f1_score(y, named.predict(X), pos_label="no")
    with pytest.raises(UsageError, match="pos_label is 'maybe'"):
        clone(rarer).set_params(pos_label="maybe").fit(X, y)


def expected_failures(estimator: StrategyClassifier) -> dict[str, str]:
    if "multipliers" not in str(estimator.strategy):
        return {}
    return {"check_classifiers_train": "a tuned rule predicts another class than the most probable one, on purpose"}


@parametrize_with_checks(
    [StrategyClassifier(random_state=0), StrategyClassifier(LogisticRegression(), "inverse + multipliers", cv=3)],
    expected_failed_checks=expected_failures,
)
def test_scikit_learns_checks(estimator: StrategyClassifier, check: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(clone(estimator))  # type: ignore[operator]
