"""What is saved comes back: for every model and every decision, to the last bit."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import steelyard as sy
from steelyard import registry
from steelyard.api.prepare import FoldOptions, RawTable
from steelyard.api.train import train_arm
from steelyard.metrics import get_metric
from steelyard.models import parse_model

ESTIMATORS = [
    DecisionTreeClassifier(max_depth=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=4, random_state=0),
    GradientBoostingClassifier(n_estimators=3, random_state=0),
    BaggingClassifier(n_estimators=3, random_state=0),
    GaussianNB(),
    KNeighborsClassifier(),
    MLPClassifier((4,), max_iter=300, tol=0.1, random_state=0),
]
FAST = {"boosting": "boosting(n_estimators=4)", "forest": "forest(n_estimators=6)"}
DECISIONS = {
    "argmax": "argmax",
    "threshold": "threshold(metric=f1)",
    "multipliers": "multipliers",
    "robust_multipliers": "robust_multipliers",
    "at_recall": "at_recall(0.8)",
    "at_precision": "at_precision(0.5)",
}


def named_models():
    # A model that reads texts and images itself has rows, and tests, of its own.
    tables = (name for name, model in registry.components("model").items() if model.encoding != "raw")
    return [FAST.get(name, name) for name in sorted(tables) if name != "sklearn"]


def trained_on(table, strategy, model):
    frame, y = table
    raw = RawTable(features=frame, labels=y)
    options = FoldOptions(n_folds=3)
    arm = sy.Strategy.parse(strategy), parse_model(model)
    return train_arm(raw, *arm, metric=get_metric("macro_f1"), options=options)[0]


def assert_same(trained, folder, frame):
    loaded = sy.load(trained.save(folder))
    assert np.array_equal(trained.predict_proba(frame), loaded.predict_proba(frame))
    assert trained.predict(frame).tolist() == loaded.predict(frame).tolist()
    assert loaded.classes == trained.classes
    assert [type(label) for label in loaded.classes] == [type(label) for label in trained.classes]
    assert (str(loaded), loaded.info, loaded.facts.priors.tolist()) == (
        str(trained),
        trained.info,
        trained.facts.priors.tolist(),
    )
    assert loaded.decision == trained.decision
    return loaded


@pytest.mark.parametrize("model", named_models())
def test_every_model_comes_back(table, tmp_path, model):
    assert_same(trained_on(table, "inverse + multipliers", model), tmp_path / "model", table[0])


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_scikit_learn_classifiers_come_back(table, tmp_path, estimator):
    assert_same(trained_on(table, "do_nothing", estimator), tmp_path / "model", table[0])


@pytest.mark.parametrize("decision", sorted(registry.components("decision")))
def test_every_decision_comes_back(table, tmp_path, decision):
    frame, y = table
    two = np.where(y == "negative", "negative", "sick")
    if decision == "cost":
        text = "cost(matrix=[[0, 1], [5, 0]])"
    else:
        text = DECISIONS[decision]
    assert_same(trained_on((frame, two), text, "linear"), tmp_path / "model", frame)


@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 2],
        [True, False],
        [0.5, 1.5],
        ["007", "7"],
        ["NA", "None", "nan"],
        ["a b", "a,b", '"', "😀", "<script>", " "],
    ],
    ids=str,
)
def test_labels_of_every_kind_keep_value_and_type(tmp_path, labels):
    rng = np.random.default_rng(0)
    y = [labels[i % len(labels)] for i in range(24 * len(labels))]
    X = rng.normal(size=(len(y), 2))
    X[:, 0] += 5 * (np.arange(len(y)) % len(labels))
    trained = trained_on((pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}), y), "do_nothing", "linear")
    loaded = assert_same(trained, tmp_path / "model", pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}))
    found = loaded.predict(pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})).tolist()
    assert {type(value) for value in found} == {type(labels[0])}
    assert np.mean([a == b for a, b in zip(found, y, strict=True)]) > 0.8


def test_predictions_of_a_loaded_model_are_those_of_other_orders_and_unknown_categories(study, table, tmp_path):
    frame, _ = table
    loaded = sy.load(study.save(tmp_path / "study"))
    wanted = loaded.predict_proba(frame)
    reordered = frame.select(["sex", "T3", "TSH"]).with_columns(pl.lit("x").alias("more"))
    assert np.array_equal(loaded.predict_proba(reordered), wanted)
    assert np.array_equal(loaded.predict_proba(pd.DataFrame(frame.to_dict(as_series=False))), wanted)
    unseen = loaded.predict_proba(frame.with_columns(pl.lit("never seen").alias("sex")))
    assert np.isfinite(unseen).all()
    with pytest.raises(sy.DataError, match="lacks the columns 'TSH', 'sex'"):
        loaded.predict(frame.select("T3"))
    one_by_one = np.concatenate([loaded.predict_proba(frame[i : i + 1]) for i in range(5)])
    assert one_by_one == pytest.approx(wanted[:5], abs=1e-9)


def test_the_model_of_a_study_is_found_in_its_folder(study, tmp_path, table):
    folder = study.save(tmp_path / "study")
    assert str(sy.load(folder)) == str(sy.load(folder / "model")) == study.winner.id
    assert sorted(path.name for path in folder.iterdir()) == [
        "model",
        "predictions.parquet",
        "report.html",
        "study.json",
    ]


def test_nothing_is_pickled_and_the_manifest_is_plain_json(tmp_path, table):
    folder = trained_on(table, "do_nothing", DecisionTreeClassifier(max_depth=2)).save(tmp_path / "model")
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".safetensors", ".skops"]
    manifest = json.loads((folder / "steelyard.json").read_text(encoding="utf-8"))
    assert manifest["classes"] == ["negative", "primary", "sécondary <b>"]
    assert not any(b"cnumpy" in path.read_bytes() for path in folder.iterdir())
    linear = trained_on(table, "do_nothing", "linear").save(tmp_path / "linear")
    assert sorted(path.name for path in linear.iterdir()) == ["arrays.safetensors", "steelyard.json"]


def test_the_same_training_writes_the_same_bytes(tmp_path, table):
    first, second = (trained_on(table, "inverse", "linear").save(tmp_path / name) for name in "ab")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_a_model_that_is_there_is_kept_unless_forced(tmp_path, table):
    trained = trained_on(table, "do_nothing", "linear")
    folder = trained.save(tmp_path / "model")
    before = (folder / "steelyard.json").read_bytes()
    with pytest.raises(sy.UsageError, match="is there already"):
        trained_on(table, "inverse", "linear").save(folder)
    assert (folder / "steelyard.json").read_bytes() == before
    trained_on(table, "inverse", "linear").save(folder, force=True)
    assert str(sy.load(folder)) == "inverse | linear"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
