"""Several labels a row from Python: every form of Y, the trained model, rows set apart, and saved models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import steelyard as sy
from steelyard.errors import DataError, UsageError
from steelyard.strategy import MULTILABEL_PRESETS, parse_strategies

NAMES = ["joy", "love", "anger"]
QUICK = {"models": "linear", "strategies": "inverse; threshold", "folds": 3}


def make(n=150, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    Y = (1.5 * X + rng.normal(size=(n, 3)) > [0.0, 0.8, 2.6]).astype(float)
    return X, Y


X, Y = make()


@pytest.fixture(scope="module")
def study():
    return sy.run_study(X, pd.DataFrame(Y, columns=NAMES), **QUICK)


def test_every_form_of_y_is_the_same_study(study):
    lists = [[name for name, has in zip(NAMES, row, strict=True) if has] for row in Y]
    forms = {
        "polars": (pl.DataFrame(Y, schema=NAMES), None),
        "matrix": (Y, None),
        "lists": (lists, None),
        "texts": (["|".join(row) or "|" for row in lists], "|"),
    }
    expected = dict(study.leaderboard.select("id", "score").iter_rows())
    for name, (given, separator) in forms.items():
        found = sy.run_study(X, given, label_separator=separator, **QUICK)
        assert found.record["data"]["task"] == "multilabel"
        if name in ("polars", "matrix"):
            assert dict(found.leaderboard.select("id", "score").iter_rows()) == expected
        classes = {"matrix": ("0", "1", "2"), "polars": tuple(NAMES)}.get(name, tuple(sorted(NAMES)))
        assert tuple(entry["name"] for entry in found.record["data"]["classes"]) == classes


def test_the_model_predicts_a_matrix_as_scikit_learn_does(study):
    model = study.fit()
    predicted, proba = model.predict(X), model.predict_proba(X)
    assert predicted.shape == proba.shape == Y.shape
    assert set(np.unique(predicted)) == {0, 1}
    assert model.classes_.tolist() == NAMES
    assert (proba.sum(axis=1) > 1).any()


@pytest.mark.parametrize(
    "models", ["linear", "forest(n_estimators=4)", "boosting(n_estimators=4)", "mlp(hidden=4, epochs=3)"]
)
@pytest.mark.parametrize("strategy", ["prior + threshold", "pos_weight + unweight"])
def test_a_saved_model_predicts_the_same(tmp_path, models, strategy):
    labels = np.column_stack([Y, np.zeros(len(Y))])
    study = sy.run_study(X, labels, models=models, strategies=strategy, folds=2)
    model = study.fit()
    again = sy.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.facts.known.tolist() == [len(Y)] * 4
    assert again.multilabel


def test_weights_that_were_trained_with_are_taken_out_again():
    """With enough rows a weighted and then unweighted model gives the probabilities of an unweighted one."""
    many, labels = make(4000, seed=1)
    options = {"models": "linear", "folds": 2}
    study = sy.run_study(many, labels, strategies="pos_weight + unweight; pos_weight", **options)
    mean = {}
    for arm in study.record["arms"]:
        lines = study.predictions.filter(pl.col("arm") == arm["id"])
        mean[arm["strategy"]] = lines.select(f"p:{k}" for k in range(3)).to_numpy().mean(axis=0)
    np.testing.assert_allclose(mean["pos_weight + unweight"], labels.mean(axis=0), atol=0.01)
    assert (mean["pos_weight"] > labels.mean(axis=0) + 0.05).any()


def test_rows_that_the_study_never_saw(study):
    more, labels = make(200, seed=5)
    found = study.evaluate(more, pl.DataFrame(labels, schema=NAMES))
    assert found["rows"] == 200
    predicted = study.fit().predict(more)
    from sklearn.metrics import f1_score

    assert found["winner"]["score"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    shuffled = study.evaluate(more, pl.DataFrame(labels, schema=NAMES).select(NAMES[::-1]))
    assert shuffled["winner"]["score"] == found["winner"]["score"]
    with pytest.raises(DataError, match="'other'"):
        study.evaluate(more, pl.DataFrame(labels, schema=[*NAMES[:2], "other"]))
    with pytest.raises(DataError, match="no column for the label 'anger'"):
        study.evaluate(more, pl.DataFrame(labels[:, :2], schema=NAMES[:2]))
    with pytest.raises(DataError, match="one label a row"):
        study.evaluate(more, ["joy"] * 200)


def test_several_labels_are_refused_where_the_study_had_one():
    study = sy.run_study(X, np.where(Y[:, 0] == 1, "a", "b"), **QUICK)
    with pytest.raises(DataError, match="several labels a row, and the study one"):
        study.evaluate(X, Y)


def test_a_label_that_is_never_given_is_said_and_left_out():
    labels = np.column_stack([Y, np.zeros(len(Y)), np.eye(len(Y))[3]])
    study = sy.run_study(X, labels, **QUICK)
    assert study.record["data"]["scored_classes"] == ["0", "1", "2"]
    said = " ".join(study.record["data"]["warnings"])
    assert "3 (always 0)" in said
    assert "only one row differs from the others: 4" in said
    expected = sy.run_study(X, Y, **QUICK)
    assert study.record["arms"][0]["per_class"][0]["support"] == expected.record["arms"][0]["per_class"][0]["support"]


def test_notes_name_the_labels_whose_cuts_are_guarded(study):
    notes = [note for arm in study.record["arms"] for note in arm["notes"] if "too few" in note]
    few = [name for name, count in zip(NAMES, Y.sum(axis=0), strict=True) if count < 20]
    assert few
    assert notes
    assert all(note.startswith(tuple(few)) for note in notes)


def test_presets_hold_what_several_labels_can_use():
    for name in MULTILABEL_PRESETS:
        strategies = parse_strategies(name, 5, multilabel=True)
        assert len(strategies) >= 6
        assert str(strategies[0]) == "do_nothing"
        for strategy in strategies:
            assert "sampling" not in strategy.active()
            assert strategy.decision.name in ("argmax", "threshold")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"strategies": "multipliers"}, UsageError, "use threshold"),
        ({"strategies": "cost([[0, 1], [1, 0]])"}, UsageError, "use threshold"),
        ({"strategies": "balanced"}, UsageError, "one class"),
        ({"metric": "f1"}, UsageError, "use macro_f1"),
        ({"task": "binary"}, UsageError, "several labels"),
        ({"strategies": "deploy_prior({0: 0.5, 1: 0.5, 2: 1.5})"}, UsageError, "below 1"),
    ],
)
def test_what_does_not_fit_several_labels(options, error, words):
    with pytest.raises(error, match=words):
        sy.run_study(X, Y, **{**QUICK, **options})


def test_groups_and_fold_columns():
    groups = np.arange(150) // 3
    study = sy.run_study(X, Y, groups=groups, **QUICK)
    folds = study.predictions.filter(pl.col("arm") == study.record["baseline"]).sort("row")["fold"].to_numpy()
    assert all(len(set(folds[groups == group])) == 1 for group in range(50))
    given = sy.run_study(X, Y, fold_column=[None, *(str(k % 3) for k in range(149))], **QUICK)
    assert given.predictions["row"].min() == 1
    assert any("1 rows name no fold" in text for text in given.record["data"]["warnings"])
