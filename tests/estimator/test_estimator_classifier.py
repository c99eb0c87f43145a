"""The classifier among scikit-learn's tools, aimed anew, saved and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import steelyard as sy
from steelyard.errors import ArtifactError, DataError, UsageError
from steelyard.metrics import get_metric


def table(n: int = 300, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers with gaps, a text column, and three classes of unequal size."""
    rng = np.random.default_rng(seed)
    y = rng.choice(["common", "rare", "some"], p=[0.75, 0.05, 0.2], size=n)
    shift = np.select([y == "rare", y == "some"], [2.5, 1.2], 0.0)
    size = rng.normal(size=n) + shift
    size[rng.random(n) < 0.05] = np.nan
    kind = np.where(rng.random(n) < 0.7, np.where(y == "rare", "b", "a"), "c")
    return pd.DataFrame({"size": size, "kind": kind, "noise": rng.normal(size=n)}), y


def quick(**changes: Any) -> sy.SteelyardClassifier:
    return sy.SteelyardClassifier(**{"model": "linear", "n_jobs": 1, **changes})


@pytest.fixture(scope="module")
def fitted() -> sy.SteelyardClassifier:
    return quick(model="linear, extra_trees(n_estimators=20)").fit(*table())


def test_pandas_and_polars_give_the_same() -> None:
    X, y = table()
    columns = pl.DataFrame({name: X[name].to_list() for name in X})
    ours, theirs = quick().fit(X, y), quick().fit(columns, pl.Series(y))
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(columns))
    assert ours.feature_names_in_.tolist() == ["size", "kind", "noise"]
    assert set(ours.predict(X)) <= {"common", "rare", "some"}


def test_it_works_inside_scikit_learn_s_tools() -> None:
    X, y = table()
    assert cross_val_score(quick(strategy="inverse"), X, y, cv=3, scoring="balanced_accuracy").min() > 0.5
    search = GridSearchCV(
        make_pipeline(quick(strategy="do_nothing")), {"steelyardclassifier__strategy": ["inverse"]}, cv=2
    )
    assert search.fit(X, y).best_params_ == {"steelyardclassifier__strategy": "inverse"}
    one = quick(strategy="do_nothing").fit(X, y)
    frozen = clone(FrozenEstimator(one))
    np.testing.assert_array_equal(frozen.predict(X), one.predict(X))


def test_groups_are_routed_and_stay_in_one_fold() -> None:
    X, y = table()
    groups = np.repeat(np.arange(100), 3)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(strategy="inverse").set_fit_request(groups=True)
        found = cross_validate(
            clf, X, y, cv=GroupKFold(3), params={"groups": groups}, scoring="accuracy", error_score="raise"
        )
    assert len(found["test_score"]) == 3


def test_rows_that_know_their_copies_do_not_fool_it_when_grouped() -> None:
    rng = np.random.default_rng(0)
    X, y = np.repeat(rng.normal(size=(60, 4)), 5, axis=0), np.repeat(rng.integers(2, size=60), 5)
    model = KNeighborsClassifier(1)
    alone = quick(model=model, strategy="do_nothing").fit(X, y)
    grouped = quick(model=model, strategy="do_nothing").fit(X, y, groups=np.repeat(np.arange(60), 5))
    right = [np.mean(clf.oof_.proba.argmax(axis=1) == clf.oof_.codes) for clf in (alone, grouped)]
    # Labels are noise: whoever is right has seen the copies.
    assert right[0] > 0.95
    assert right[1] < 0.7


def test_one_model_that_does_nothing_is_logistic_regression() -> None:
    X, y = table(400)
    numbers = X[["size", "noise"]].fillna(0.0).to_numpy()
    ours = quick(strategy="do_nothing").fit(numbers, y).predict_proba(numbers)
    scaled = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    theirs = LogisticRegression(max_iter=2000, tol=1e-8).fit(scaled, y).predict_proba(scaled)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_whole_weights_are_repetitions_and_zero_rows_are_left_out() -> None:
    X, y = table(200)
    times = np.arange(200) % 3
    weighted = quick(strategy="inverse").fit(X, y, sample_weight=times)
    again = np.repeat(np.arange(200), times)
    copied = quick(strategy="inverse").fit(X.iloc[again], y[again])
    np.testing.assert_allclose(weighted.predict_proba(X), copied.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    ("metric", "score"),
    [
        ("balanced_accuracy", balanced_accuracy_score),
        ("min_recall", lambda y, h: recall_score(y, h, average=None).min()),
    ],
)
def test_retarget_raises_what_it_aims_at_and_trains_nothing(fitted: Any, metric: str, score: Any) -> None:
    X, y = table(3000, seed=1)
    aimed = fitted.retarget(metric)
    assert aimed.blend_ is fitted.blend_
    assert score(y, aimed.predict(X)) > score(y, fitted.retarget("accuracy").predict(X)) + 0.03
    assert (aimed.metric_, fitted.metric_, aimed.get_params()["metric"]) == (metric, "macro_f1", metric)


def test_retarget_takes_any_function_of_labels(fitted: Any) -> None:
    X, y = table(3000, seed=1)

    def rare_recall(truth: np.ndarray, found: np.ndarray) -> float:
        return float(recall_score(truth, found, labels=["rare"], average=None)[0] - 0.2 * np.mean(found == "rare"))

    assert rare_recall(y, fitted.retarget(rare_recall).predict(X)) > rare_recall(y, fitted.retarget("mcc").predict(X))


def test_a_rule_is_tuned_once_and_anew_at_other_class_shares(fitted: Any) -> None:
    first = fitted.retarget("mcc")
    assert fitted.retarget("balanced_accuracy").retarget("mcc").decision_ is first.decision_
    # A metric of probabilities has the rule of macro F1, which the fit was aimed at.
    assert fitted.retarget("average_precision").decision_ is fitted.decision_
    moved = fitted.retarget("mcc", prior=dict(zip(fitted.classes_, [0.2, 0.5, 0.3], strict=True)))
    assert moved.decision_ != first.decision_
    assert fitted.retarget("mcc").decision_ is first.decision_


def test_the_fast_mode_deals_the_folds_once() -> None:
    X, y = table(120)
    scores = [len(quick(strategy="inverse", mode=mode).fit(X, y).oof_.codes) for mode in ("fast", "full")]
    assert scores == [120, 240]


def test_retarget_to_a_cost_is_the_cheapest_label(fitted: Any) -> None:
    X, _ = table(100, seed=1)
    cost = np.array([[0, 1, 1], [30, 0, 30], [2, 1, 0]])
    cheapest = fitted.classes_[(fitted.predict_proba(X) @ cost).argmin(axis=1)]
    assert fitted.retarget(cost=cost).predict(X).tolist() == cheapest.tolist()


def test_retarget_to_a_prior_moves_probabilities_by_bayes_rule(fitted: Any) -> None:
    X, y = table(100, seed=1)
    shares = dict(zip(fitted.classes_, [0.2, 0.5, 0.3], strict=True))
    moved = fitted.retarget(prior=shares).predict_proba(X)
    ratio = np.array([0.2, 0.5, 0.3]) / (fitted.class_counts_ / fitted.class_counts_.sum())
    by_hand = fitted.predict_proba(X) * ratio
    np.testing.assert_allclose(moved, by_hand / by_hand.sum(axis=1, keepdims=True))
    assert y is not None


def test_a_class_of_one_row_is_learned_and_never_scored() -> None:
    X, y = table()
    y = y.astype(object)
    y[0] = "single"
    clf = quick().fit(X, y)
    assert clf.classes_.tolist() == ["common", "rare", "single", "some"]
    assert (clf.oof_.codes != 2).all()
    assert np.isfinite(clf.predict_proba(X)).all()


def test_seeds_and_processes_do_not_change_what_is_fitted() -> None:
    X, y = table(150)
    first, second = (quick(model="extra_trees(n_estimators=5)", n_jobs=jobs).fit(X, y) for jobs in (1, 2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert first.decision_ == second.decision_


def test_too_little_time_for_one_arm_does_nothing_and_says_so() -> None:
    X, y = table()
    with pytest.warns(UserWarning, match="too short for one arm: a linear model that does nothing"):
        clf = quick(time_limit=1e-4).fit(X, y)
    theirs = quick(strategy="do_nothing").fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    assert clf.predict(X).tolist() == clf.classes_[clf.predict_proba(X).argmax(axis=1)].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "macro_f2"}, "unknown metric 'macro_f2'"),
        ({"metric": "f1"}, "metric f1 is undefined for 3 classes|f1"),
        ({"mode": "slow"}, "mode must be one of full, fast"),
        ({"time_limit": 0}, "time_limit must be above 0"),
        ({"strategy": 3}, "strategy must be 'auto'"),
        ({"model": "extra_trees", "strategy": "focal"}, "no model can train this strategy"),
    ],
)
def test_what_cannot_be_is_said_before_any_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        quick(**changes).fit(*table())


def test_labels_and_weights_that_cannot_be_used_are_named() -> None:
    X, y = table()
    with pytest.raises(DataError, match="one class only"):
        quick().fit(X, np.repeat("a", 300))
    with pytest.raises(UsageError, match="row 2 has a negative weight"):
        quick().fit(X, y, sample_weight=np.where(np.arange(300) == 2, -1.0, 1.0))
    with pytest.raises(DataError, match="299 labels for 300 rows"):
        quick().fit(X, y[:-1])


@pytest.mark.parametrize("model", ["linear, extra_trees(n_estimators=3)", "boosting(n_estimators=3)", "nystroem"])
def test_what_is_saved_comes_back(model: str, tmp_path: Path) -> None:
    X, y = table(150)
    clf = quick(model=model).fit(X, y)
    again = sy.load(clf.save(tmp_path / "model"))
    assert isinstance(again, sy.SteelyardClassifier)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.predict(X).tolist() == clf.predict(X).tolist()
    assert again.retarget("mcc").decision_ == clf.retarget("mcc").decision_
    assert again.get_params() == clf.get_params()
    with pytest.raises(UsageError, match="is there already"):
        clf.save(tmp_path / "model")


def test_a_foreign_classifier_is_saved_without_pickle(tmp_path: Path) -> None:
    X, y = table(150)
    clf = quick(model=LogisticRegression(C=0.5)).fit(X, y)
    again = sy.load(clf.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "arrays.safetensors", "estimator.skops", "steelyard.json"
    ]  # fmt: skip


def test_a_changed_manifest_is_refused(tmp_path: Path, fitted: Any) -> None:
    folder = fitted.save(tmp_path / "model")
    manifest = json.loads((folder / "steelyard.json").read_text())
    manifest["decision"]["log_multipliers"][0] += 1
    (folder / "steelyard.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="was changed"):
        sy.load(folder)


def test_the_command_line_predicts_with_a_saved_classifier(tmp_path: Path, fitted: Any, capsys: Any) -> None:
    from steelyard.cli.main import main

    X, _ = table(20, seed=2)
    X.assign(other=1)[["noise", "other", "kind", "size"]].to_csv(tmp_path / "rows.csv", index=False)
    fitted.save(tmp_path / "model")
    assert main(["predict", str(tmp_path / "model"), str(tmp_path / "rows.csv")]) == 0
    found = pd.read_csv(pd.io.common.StringIO(capsys.readouterr().out))
    assert found["prediction"].tolist() == fitted.predict(X).tolist()


def test_mixing_is_no_worse_than_the_best_arm_on_new_rows() -> None:
    X, y = table(600, seed=3)
    fresh, truth = table(4000, seed=4)
    mixed = quick(model="linear, extra_trees(n_estimators=50)").fit(X, y)
    plain = quick(strategy="do_nothing").fit(X, y)
    gained = f1_score(truth, mixed.predict(fresh), average="macro") - f1_score(
        truth, plain.predict(fresh), average="macro"
    )
    assert gained > 0.02


@pytest.mark.parametrize("jobs", [1, 2])
def test_text_columns_are_learned_from_and_saved(jobs: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(["ham", "spam"], p=[0.8, 0.2], size=150)
    words = {"ham": ["meeting", "lunch", "report", "thanks"], "spam": ["winner", "prize", "free", "click"]}
    text = [f"{' '.join(rng.choice(words[label], 3))} number {i} today" for i, label in enumerate(y)]
    X = pd.DataFrame({"subject": text, "length": rng.normal(size=150)})
    clf = quick(strategy="inverse", n_jobs=jobs).fit(X, y)
    assert np.mean(clf.oof_.proba.argmax(axis=1) == clf.oof_.codes) > 0.88
    again = sy.load(clf.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_a_class_that_is_in_one_fold_only_is_learned_and_scored() -> None:
    X, y = table(200)
    # All rows of a class in one group: the models that score them have never seen it.
    groups = np.where(y == "rare", -1, np.arange(len(y)))
    clf = quick(model="linear, extra_trees(n_estimators=10)").fit(X, y, groups=groups)
    rare = clf.classes_.tolist().index("rare")
    assert (clf.oof_.codes == rare).sum() == 2 * (y == "rare").sum()
    assert clf.oof_.proba[clf.oof_.codes == rare, rare].max() < 0.05
    assert np.isfinite(clf.predict_proba(X)).all()
    assert (clf.retarget("min_recall").predict(X) == "rare").any()


def test_a_callable_metric_and_net_benefit_are_aimed_at_from_the_start() -> None:
    X, y = table(400)
    rare = np.where(y == "rare", "yes", "no")
    benefit = quick(metric="net_benefit(threshold=0.1)").fit(X, rare)
    assert benefit.metric_ == "net_benefit(threshold=0.1, positive=1)"

    def by_hand(truth: np.ndarray, found: np.ndarray) -> float:
        hits, alarms = ((truth == "yes") & (found == "yes")).sum(), ((truth == "no") & (found == "yes")).sum()
        return float((hits - alarms / 9) / len(truth))

    called = quick(metric=by_hand).fit(X, rare)
    assert called.metric_ == "by_hand"
    other, truth = table(4000, seed=1)
    truth = np.where(truth == "rare", "yes", "no")
    plain = by_hand(truth, benefit.retarget("accuracy").predict(other))
    assert by_hand(truth, benefit.predict(other)) > plain
    assert by_hand(truth, called.predict(other)) > plain


def test_a_metric_of_costs_is_the_cheapest_label(fitted: Any) -> None:
    X, _ = table(100, seed=1)
    costs = [[0, 1, 1], [30, 0, 30], [2, 1, 0]]
    aimed = fitted.retarget(get_metric(f"cost({costs})"))
    assert aimed.predict(X).tolist() == fitted.retarget(cost=costs).predict(X).tolist()
