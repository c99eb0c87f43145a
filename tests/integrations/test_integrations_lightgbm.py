"""LightGBM: the mistakes that its custom objectives invite, and the library's own model as the judge."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from steelyard.errors import ArtifactError, DataError, UnknownNameError, UsageError

lightgbm = pytest.importorskip("lightgbm")
from steelyard.integrations.lightgbm import LightGBMClassifier, objective  # noqa: E402

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "hypothyroid4.csv"
QUIET = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}


def make_rows(n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_classes)
    codes = rng.choice(n_classes, p=[0.8, 0.2] if n_classes == 2 else [0.7, 0.2, 0.1], size=500)
    return rng.normal(size=(500, 4)) + codes[:, None], codes, rng.uniform(0.5, 2, 500)


def names_of(n_classes: int) -> dict[str, object]:
    return {"objective": "binary"} if n_classes == 2 else {"objective": "multiclass", "num_class": n_classes}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("neutral", ["focal(gamma=0)", "logit_adjusted(tau=0)"])
def test_natively_a_neutral_loss_is_the_builtin_objective(n_classes: int, neutral: str) -> None:
    X, codes, _ = make_rows(n_classes)
    ours = objective(neutral, codes)
    data = lightgbm.Dataset(X, codes, init_score=ours.init_score(len(X)))
    booster = lightgbm.train({**QUIET, **names_of(n_classes), "objective": ours}, data, 30)
    own = lightgbm.train({**QUIET, **names_of(n_classes)}, lightgbm.Dataset(X, codes), 30).predict(X)
    proba = ours.predict_proba(booster.predict(X) + ours.start)
    np.testing.assert_allclose(proba[:, 1] if n_classes == 2 else proba, own, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_neutral_loss_with_weights_is_the_builtin_objective(n_classes: int) -> None:
    X, codes, weight = make_rows(n_classes)
    by_class = (len(codes) / np.bincount(codes) / n_classes)[codes]
    own = lightgbm.train({**QUIET, **names_of(n_classes)}, lightgbm.Dataset(X, codes, weight=weight * by_class), 20)
    model = LightGBMClassifier("focal(gamma=0)", n_estimators=20)
    proba = model.fit(X, codes, sample_weight=weight * by_class).predict_proba(X)
    np.testing.assert_allclose(proba[:, 1] if n_classes == 2 else proba, own.predict(X), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_strategy_weighs_as_class_weight_does(n_classes: int) -> None:
    X, codes, _ = make_rows(n_classes)
    theirs = lightgbm.LGBMClassifier(n_estimators=20, class_weight="balanced", **QUIET).fit(X, codes)
    for strategy in ("inverse", "inverse + focal(gamma=0)"):
        ours = LightGBMClassifier(strategy, n_estimators=20).fit(X, codes)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)


def test_margins_do_not_pass_for_probabilities(tmp_path: Path) -> None:
    X, codes, _ = make_rows(3)
    theirs = lightgbm.LGBMClassifier(objective=objective("focal(gamma=2)", codes), n_estimators=20, **QUIET)
    with pytest.warns(UserWarning, match="Cannot compute class probabilities"):
        margins = theirs.fit(X, codes).predict_proba(X)
    assert margins.min() < 0
    labels = np.array(["common", "rare", "rarer"])[codes]
    model = LightGBMClassifier("focal(gamma=2)", n_estimators=20).fit(X, labels)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert set(model.predict(X)) == {"common", "rare", "rarer"}
    # LightGBM itself gets probabilities from the file, the classifier its class names.
    path = model.save(tmp_path / "model.txt")
    np.testing.assert_allclose(lightgbm.Booster(model_file=str(path)).predict(X), proba, atol=1e-12)
    again = LightGBMClassifier.load(path)
    assert again.classes_.tolist() == ["common", "rare", "rarer"]
    assert np.array_equal(again.predict(X), model.predict(X))
    assert str(again.strategy) == "focal(gamma=2)"


@pytest.mark.parametrize("labels", [[3, 7], [False, True], ["007", "None"]], ids=str)
@pytest.mark.parametrize("strategy", ["do_nothing", "focal"])
def test_labels_of_any_kind_come_back_from_a_file(labels: list[object], strategy: str, tmp_path: Path) -> None:
    X, codes, _ = make_rows(2)
    model = LightGBMClassifier(strategy, n_estimators=5).fit(X, np.array(labels)[codes])
    again = LightGBMClassifier.load(model.save(tmp_path / "m.txt"))
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.classes_.tolist() == labels


def test_weights_of_the_data_set_count_and_stand_outside_the_loss() -> None:
    _, codes, weight = make_rows(2)
    margins = np.random.default_rng(0).normal(size=500)
    focal = objective("focal(gamma=2)", codes)
    plain, weighted = focal(codes, margins), focal(codes, margins, weight)
    for bare, heavy in zip(plain, weighted, strict=True):
        np.testing.assert_allclose(heavy, bare * weight)
    # A weight inside the modulating factor, -(1 - p^w)^gamma log p^w, would not scale the gradient by one number.
    by_class = objective("inverse + focal(gamma=2)", codes)
    ratio = by_class(codes, margins)[0] / plain[0]
    np.testing.assert_allclose(ratio, by_class.class_weight[codes])
    data = lightgbm.Dataset(np.zeros((500, 1)), codes, weight=weight).construct()
    np.testing.assert_allclose(focal(margins, data)[0], weighted[0], rtol=1e-6)


def test_focal_trees_do_not_run_away() -> None:
    """With the bare second derivative they do: sums in a leaf come near 0 or below, and its value has any size."""
    table = pl.read_csv(EXAMPLE, infer_schema_length=None)
    X = table.select(pl.col(pl.Float64)).to_numpy()
    codes = np.unique(table["Class"].to_numpy(), return_inverse=True)[1]
    focal = objective("focal(gamma=3)", codes)

    def unfloored(margins: np.ndarray, data: object) -> tuple[np.ndarray, np.ndarray]:
        return focal(margins, data)[0], focal.bound._curvature(margins, codes) * 4 / 3

    def largest_margin(function: object) -> float:
        data = lightgbm.Dataset(X, codes, init_score=focal.init_score(len(codes)))
        booster = lightgbm.train({**QUIET, "objective": function, "num_class": 4}, data, 60)
        return float(np.abs(booster.predict(X) + focal.start).max())

    assert largest_margin(unfloored) > 1000
    assert largest_margin(focal) < 30


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_metric_of_a_neutral_loss_is_the_builtin_one(n_classes: int) -> None:
    X, codes, weight = make_rows(n_classes)
    ours, seen = objective("focal(gamma=0)", codes), {}
    data = lightgbm.Dataset(X, codes, weight=weight, init_score=ours.init_score(500))
    lightgbm.train(
        {**QUIET, **names_of(n_classes), "objective": ours, "metric": "None"}, data, 5,
        valid_sets=[data], feval=[ours.evaluation(), ours.evaluation("macro_f1")],
        callbacks=[lightgbm.record_evaluation(seen)],
    )  # fmt: skip
    theirs: dict[str, dict[str, list[float]]] = {}
    start = lightgbm.Dataset(X, codes, weight=weight, init_score=ours.init_score(500))
    lightgbm.train(
        {**QUIET, **names_of(n_classes)}, start, 5, valid_sets=[start], callbacks=[lightgbm.record_evaluation(theirs)]
    )
    builtin = next(iter(theirs["training"].values()))
    np.testing.assert_allclose(seen["training"]["focal"], builtin, rtol=1e-5)
    assert 0 < seen["training"]["macro_f1"][-1] <= 1


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    X, codes, _ = make_rows(2)
    with pytest.raises(UsageError, match="only weighting and loss can be set here, not the decision threshold"):
        objective("focal + threshold", codes)
    with pytest.raises(DataError, match="two classes or more"):
        objective("focal", [1, 1])
    with pytest.raises(DataError, match="class numbers from 0 to 1"):
        objective("focal", codes)(np.array([2.0]), np.zeros(1))
    with pytest.raises(UnknownNameError, match="unknown metric"):
        objective("focal", codes).evaluation("f7")(codes, np.zeros(500))
    (tmp_path / "bad.txt").write_text("nothing")
    with pytest.raises(ArtifactError, match="no LightGBM model"):
        LightGBMClassifier.load(tmp_path / "bad.txt")
    foreign = lightgbm.train({**QUIET, "objective": "binary"}, lightgbm.Dataset(X, codes), 2)
    foreign.save_model(str(tmp_path / "foreign.txt"))
    with pytest.raises(ArtifactError, match=r"no lightgbm\.v1 note"):
        LightGBMClassifier.load(tmp_path / "foreign.txt")


def expected_failures(estimator: object) -> dict[str, str]:
    reason = "LightGBM's histograms and min_child_samples count rows, whatever they weigh"
    return dict.fromkeys(
        ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"), reason
    )


@parametrize_with_checks(
    [LightGBMClassifier("inverse + focal", n_estimators=5, min_child_samples=1)],
    expected_failed_checks=expected_failures,
)  # fmt: skip
def test_scikit_learns_checks(estimator: LightGBMClassifier, check: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(clone(estimator))  # type: ignore[operator]
