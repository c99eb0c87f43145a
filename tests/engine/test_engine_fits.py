"""Many fits in, their scores out: no leak from scored rows, and the same scores however the work is cut up."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from steelyard.engine import EngineData, FitPlan, Training, fit_many, fit_pipeline, training_facts
from steelyard.features import TableSchema
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study import make_folds

STRATEGIES = ["do_nothing", "inverse", "balanced"]


def make_data(seed=0, sizes=(60, 20, 7)):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    frame = pl.DataFrame(
        {
            "a": rng.normal(size=len(codes)) + codes,
            "b": np.where(rng.random(len(codes)) < 0.2, np.nan, rng.normal(size=len(codes))),
            "c": rng.choice(["u", "v", "w"], len(codes)),
        }
    )
    schema = TableSchema.infer(frame)
    folds = make_folds(codes, 3, seed=seed)
    return EngineData(schema.extract(frame), schema, codes, tuple("xyz"), folds, seed)


def training(strategy, model="linear"):
    return Training.of(Strategy.parse(strategy), parse_model(model))


def scores(data, plans, **options):
    return {outcome.plan: outcome.proba for outcome in fit_many(plans, data, **options)}


@pytest.mark.parametrize("strategy", [*STRATEGIES, "effective_number(beta=0.999)", "focal(gamma=2)"])
@pytest.mark.parametrize("model", ["linear", "boosting(n_estimators=5)"])
def test_scored_rows_take_no_part_in_training(strategy, model):
    """Other labels and other values in the scored fold leave the scores of its other rows as they were."""
    data = make_data()
    plan = FitPlan(training(strategy, model), 0, 1)
    rows = data.score_rows(0, 1)
    numeric, labels = data.matrix.numeric.copy(), data.codes.copy()
    numeric[rows[0]] = 1e6
    labels[rows] = np.roll(labels[rows], 3)
    changed = replace(data, matrix=replace(data.matrix, numeric=numeric), codes=labels)
    before, after = scores(data, [plan])[plan], scores(changed, [plan])[plan]
    assert np.array_equal(before[1:], after[1:])
    # The comparison would be empty if the training rows did not matter either.
    inside = data.codes.copy()
    train = data.train_rows(0, 1)
    inside[train] = np.roll(inside[train], 1)
    assert not np.array_equal(before, scores(replace(data, codes=inside), [plan])[plan])


def test_the_same_scores_one_by_one_together_and_over_processes():
    data = make_data()
    plans = [
        FitPlan(training(strategy, model), 0, fold)
        for fold in range(3)
        for strategy in STRATEGIES
        for model in ("linear", "boosting(n_estimators=3)")
    ]
    together = scores(data, plans)
    assert list(together) != []
    for plan in plans[::5]:
        assert np.array_equal(together[plan], scores(data, [plan])[plan])
    over_processes = scores(data, plans[::-1], n_jobs=2)
    assert set(over_processes) == set(plans)
    assert all(np.array_equal(together[plan], over_processes[plan]) for plan in plans)


def test_threads_and_processes_give_the_same_scores():
    data = make_data()
    models = ("mlp(hidden=4, epochs=3, dropout=0.2)", "boosting(n_estimators=3)")
    plans = [
        FitPlan(training(strategy, model), 0, fold) for fold in range(3) for strategy in STRATEGIES for model in models
    ]
    alone, many = scores(data, plans), scores(data, plans, n_jobs=3)
    assert set(many) == set(plans)
    assert all(np.array_equal(alone[plan], many[plan]) for plan in plans)


def test_a_caller_that_stops_early_leaves_no_thread_behind():
    data = make_data()
    plans = [
        FitPlan(training(strategy, "mlp(hidden=4, epochs=3)"), 0, fold) for fold in range(3) for strategy in STRATEGIES
    ]
    before = threading.active_count()
    outcomes = fit_many(plans, data, n_jobs=2)
    next(outcomes)
    outcomes.close()
    assert threading.active_count() == before


def test_a_fit_is_the_one_scikit_learn_makes():
    data = make_data()
    data = replace(data, matrix=data.matrix.take(np.arange(len(data.codes))))
    frame = pl.DataFrame({"a": data.matrix.numeric[:, 0], "d": data.matrix.numeric[:, 0] ** 2})
    schema = TableSchema.infer(frame)
    data = replace(data, matrix=schema.extract(frame), schema=schema)
    plan = FitPlan(training("inverse", "linear(C=0.5, max_iter=5000)"), 0, 0)
    train, score = data.train_rows(0, 0), data.score_rows(0, 0)
    scaler = StandardScaler().fit(data.matrix.numeric[train])
    theirs = LogisticRegression(C=0.5, class_weight="balanced", tol=1e-10, max_iter=5000)
    theirs.fit(scaler.transform(data.matrix.numeric[train]), data.codes[train])
    expected = theirs.predict_proba(scaler.transform(data.matrix.numeric[score]))
    assert scores(data, [plan])[plan] == pytest.approx(expected, abs=2e-3)


def test_any_scikit_learn_classifier_is_fitted_on_the_same_rows():
    data = make_data()
    model = parse_model(GaussianNB())
    plan = FitPlan(Training.of(Strategy(), model), 0, 2)
    found = scores(data, [plan])[plan]
    assert found.shape == (len(data.score_rows(0, 2)), 3)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_training_rows_of_one_class_only():
    data = make_data(sizes=(30, 30))
    folds = data.codes[None].copy()
    plans = [FitPlan(training("inverse"), 0, fold) for fold in (0, 1)]
    found = scores(replace(data, folds=folds, classes=("x", "y")), plans)
    assert (found[plans[0]] == [0, 1]).all()
    assert (found[plans[1]] == [1, 0]).all()


def test_a_class_without_training_rows_gets_no_probability():
    data = make_data()
    folds = np.where(data.codes == 2, 0, 1 + np.arange(len(data.codes)) % 2)[None]
    plan = FitPlan(training("inverse"), 0, 0)
    found = scores(replace(data, folds=folds), [plan])[plan]
    assert (found[:, 2] == 0).all()
    assert np.isfinite(found).all()


def test_rows_never_scored_are_always_trained_on():
    data = make_data(sizes=(40, 20, 1))
    lone = int(np.flatnonzero(data.codes == 2)[0])
    assert all(lone in data.train_rows(0, fold) and lone not in data.score_rows(0, fold) for fold in range(3))


def test_facts_of_a_training_by_hand():
    codes = np.array([0] * 8 + [1] * 2)
    assert training_facts(training("do_nothing"), codes, ("x", "y")).weights.tolist() == [1, 1]
    facts = training_facts(training("inverse"), codes, ("x", "y"))
    assert facts.counts.tolist() == [8, 2]
    assert facts.priors.tolist() == [0.8, 0.2]
    assert facts.weights[1] / facts.weights[0] == pytest.approx(4)
    drawn = training_facts(training("balanced"), codes, ("x", "y"))
    assert drawn.weights[1] / drawn.weights[0] == pytest.approx(4)


@pytest.mark.parametrize("model", ["linear", "boosting(n_estimators=3)", "forest(n_estimators=5)"])
def test_the_final_fit_depends_on_its_seed_alone(model):
    data = make_data()

    def fitted(seed):
        made = fit_pipeline(training("balanced", model), data.matrix, data.schema, data.codes, data.classes, seed)
        return made.predict_proba(data.matrix)

    assert np.array_equal(fitted(1), fitted(1))
    assert not np.array_equal(fitted(1), fitted(2))
