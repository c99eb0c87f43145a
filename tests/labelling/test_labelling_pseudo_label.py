"""Pseudo-labels: against scikit-learn's self-training, by hand, and never from a fold that is scored."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

import steelyard as sy
from steelyard.api.prepare import FoldOptions, RawTable, prepare
from steelyard.cli.main import main
from steelyard.engine import EngineData, FitPlan, Training, Unlabelled, fit_many, fit_pipeline, given_labels
from steelyard.errors import UsageError
from steelyard.features import TableSchema
from steelyard.labelling import PseudoLabel
from steelyard.models import parse_model
from steelyard.snippets import write_snippets
from steelyard.strategy import Strategy
from steelyard.study import make_folds


def made(n=240, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, p=[0.6, 0.3, 0.1], size=n)
    X = rng.normal(size=(n, 4)) + 1.5 * np.eye(4)[codes]
    return X, codes


def frame(X):
    return pl.DataFrame({f"x{k}": column for k, column in enumerate(X.T)})


def training(text):
    return Training.of(Strategy.parse(text), parse_model("linear"))


def single(hidden=0.6, seed=0):
    X, codes = made(seed=seed)
    known = np.random.default_rng(1).random(len(codes)) >= hidden
    schema = TableSchema.infer(frame(X))
    whole = schema.extract(frame(X))
    folds = make_folds(codes[known], 3)
    others = Unlabelled(whole.take(~known), np.full((1, int((~known).sum())), -1))
    return EngineData(whole.take(known), schema, codes[known], ("a", "b", "c"), folds, 0, unlabelled=others)


def test_it_is_one_round_of_scikit_learns_self_training():
    data = single()
    pipeline = fit_pipeline(
        training("pseudo_label(threshold=0.8)"), data.matrix, data.schema, data.codes, data.classes, 0,
        unlabelled=data.unlabelled.matrix,
    )  # fmt: skip
    X, more = (pipeline.encoder.transform(part) for part in (data.matrix, data.unlabelled.matrix))
    theirs = SelfTrainingClassifier(LogisticRegression(max_iter=2000, tol=1e-8), threshold=0.8, max_iter=1)
    theirs.fit(np.vstack([X, more]), np.concatenate([data.codes, np.full(len(more), -1)]))
    np.testing.assert_allclose(pipeline.model.predict_proba(X), theirs.predict_proba(X), atol=2e-3)
    counts = np.bincount(theirs.transduction_[len(X) :][theirs.labeled_iter_[len(X) :] == 1], minlength=3)
    assert given_labels(training("pseudo_label(threshold=0.8)"), data)[:, 0].tolist() == counts.tolist()
    plain = fit_pipeline(training("do_nothing"), data.matrix, data.schema, data.codes, data.classes, 0)
    assert np.abs(plain.model.predict_proba(X) - pipeline.model.predict_proba(X)).max() > 0.02


def several(hidden=0.5):
    X, codes = made()
    Y = np.eye(3)[codes]
    Y[np.random.default_rng(2).random(Y.shape) < hidden] = np.nan
    schema = TableSchema.infer(frame(X))
    kept = ~np.isnan(Y).all(axis=1)
    whole = schema.extract(frame(X))
    folds = make_folds(Y[kept], 3)
    others = Unlabelled(whole.take(~kept), np.full((1, int((~kept).sum())), -1))
    return EngineData(whole.take(kept), schema, Y[kept], ("a", "b", "c"), folds, 0, unlabelled=others)


def test_missing_entries_of_several_labels_are_given_as_by_hand():
    data = several()
    first = fit_pipeline(training("do_nothing"), data.matrix, data.schema, data.codes, data.classes, 0)
    proba = first.predict_proba(data.matrix)
    filled = data.codes.copy()
    filled[np.isnan(data.codes) & (proba >= 0.9)] = 1
    filled[np.isnan(data.codes) & (proba <= 0.1)] = 0
    more = first.predict_proba(data.unlabelled.matrix)
    added = np.where(more >= 0.9, 1.0, np.where(more <= 0.1, 0.0, np.nan))
    sure = ~np.isnan(added).all(axis=1)
    assert 0 < sure.sum() < len(sure)
    X = np.vstack([first.encoder.transform(data.matrix), first.encoder.transform(data.unlabelled.matrix)[sure]])
    expected = [
        LogisticRegression(max_iter=2000, tol=1e-8)
        .fit(X[~np.isnan(column)], column[~np.isnan(column)])
        .predict_proba(X)[:, 1]
        for column in np.vstack([filled, added[sure]]).T
    ]
    second = fit_pipeline(
        training("pseudo_label"), data.matrix, data.schema, data.codes, data.classes, 0,
        unlabelled=data.unlabelled.matrix,
    )  # fmt: skip
    np.testing.assert_allclose(second.model.predict_proba(X), np.column_stack(expected), atol=2e-3)
    given = given_labels(training("pseudo_label"), data)
    before = np.isnan(data.codes).sum() - np.isnan(filled).sum()
    assert given.sum() == before + (~np.isnan(added)).sum()


@pytest.mark.parametrize("data", [single(), several()], ids=["one label", "several"])
def test_what_a_fold_holds_does_not_change_its_scores(data):
    plans = [FitPlan(training("inverse + pseudo_label(threshold=0.7)"), 0, 0)]
    (expected,) = fit_many(plans, data)
    codes = data.codes.copy()
    scored = data.folds[0] == 0
    codes[scored] = np.roll(codes[scored], 1, axis=0)
    (found,) = fit_many(plans, replace(data, codes=codes))
    assert np.array_equal(found.proba, expected.proba)


def test_rows_that_belong_to_a_scored_fold_are_not_seen_by_it():
    data = single()
    plan, arm = [FitPlan(training("pseudo_label(threshold=0.7)"), 0, 1)], data.unlabelled
    own = np.arange(len(arm.matrix)) % 2
    (without,) = fit_many(plan, replace(data, unlabelled=Unlabelled(arm.matrix, own[None])))
    (expected,) = fit_many(plan, replace(data, unlabelled=Unlabelled(arm.matrix.take(own == 0), own[None, own == 0])))
    (whole,) = fit_many(plan, data)
    assert np.array_equal(without.proba, expected.proba)
    assert not np.array_equal(without.proba, whole.proba)


def test_rows_without_a_label_are_kept_with_the_fold_of_their_group():
    X, codes = made(60)
    labels = [None if row % 3 == 0 else "abc"[code] for row, code in enumerate(codes)]
    groups = [row // 6 for row in range(60)]
    data, _ = prepare(RawTable(frame(X), labels, groups=groups), FoldOptions(n_folds=3))
    kept = np.arange(60) % 3 != 0
    fold_of = dict(zip(np.array(groups)[kept].tolist(), data.folds[0].tolist(), strict=True))
    assert data.unlabelled.folds[0].tolist() == [fold_of[row // 6] for row in range(0, 60, 3)]
    np.testing.assert_array_equal(data.unlabelled.matrix.numeric, X[::3])


def test_it_is_refused_where_every_label_is_known():
    X, codes = made(60)
    with pytest.raises(UsageError, match="every label is known, so there is nothing to give"):
        sy.run_study(X, codes, models="linear", strategies="pseudo_label", folds=2)
    for threshold in (0.5, 1.1):
        with pytest.raises(UsageError, match="threshold must be above"):
            PseudoLabel(threshold=threshold)


def test_who_cannot_do_it_says_so():
    from steelyard.integrations.sklearn import StrategyClassifier

    X, codes = made(60)
    for classifier in (
        sy.SteelyardClassifier(model="linear", strategy="pseudo_label"),
        StrategyClassifier(LogisticRegression(), strategy="pseudo_label"),
    ):
        with pytest.raises(UsageError, match="pseudo_label"):
            classifier.fit(X, codes)
    assert write_snippets("pseudo_label") == {}


def test_a_study_says_what_it_labelled(tmp_path):
    X, codes = made(150)
    hidden = np.arange(150) % 4 == 1
    table = frame(X).with_columns(pl.Series("y", [None if h else "abc"[k] for h, k in zip(hidden, codes, strict=True)]))
    table.write_csv(tmp_path / "rows.csv")
    arms = ("--models", "linear", "--strategies", "pseudo_label(threshold=0.8); sqrt + pseudo_label(threshold=0.8)")
    out = tmp_path / "out"
    command = ("study", str(tmp_path / "rows.csv"), "--target", "y", *arms, "--folds", "2", "--jobs", "1")
    assert main([*command, "--out", str(out)]) == 0
    record = json.loads((out / "study.json").read_text())
    (given,) = record["pseudo_labels"]
    assert (given["labelling"], given["model"], given["unknown"]) == ("pseudo_label(threshold=0.8)", "linear", 38)
    assert 0 < sum(entry["has"] for entry in given["classes"]) == given["given"] <= 38
    known = np.bincount(codes[~hidden], minlength=3).tolist()
    assert [entry["known"] for entry in given["classes"]] == known
    assert len(pl.read_parquet(out / "predictions.parquet")["row"].unique()) == sum(known)
    page = (out / "report.html").read_text()
    assert f"sure of {given['given']} of 38 rows without a label" in page
