"""Decisions are cross-fitted: no row takes part in choosing the rule it is judged by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steelyard.metrics import get_metric
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study.assess import ScoredRows, assess, rarer_class
from steelyard.study.compare import score_arms
from steelyard.study.plan import Arm
from steelyard.study.resampling import bootstrapped

MACRO_F1 = get_metric("macro_f1")


def arm_of(strategy):
    return Arm(Strategy.parse(strategy), parse_model("linear"))


def judged(arm, data, proba, metric=MACRO_F1):
    scored = ScoredRows.of(data)
    scores = {arm.training: np.asarray(proba, dtype=np.float32)}
    return assess(arm, scores, 0.0, data, scored, metric)


def test_the_rule_of_a_fold_comes_from_the_other_folds(make_data):
    """In each fold alone a cut would be perfect; the other fold's cut is wrong for it."""
    base = make_data([60, 60], n_folds=2)
    folds = np.arange(120)[None] % 2
    codes = (np.arange(120) // 2) % 2
    data = replace(base, codes=codes, folds=folds)
    positive = np.where(folds[0] == 0, np.where(codes == 1, 0.3, 0.1), np.where(codes == 1, 0.9, 0.5))
    found = judged(arm_of("threshold(metric=f1)"), data, np.stack([1 - positive, positive], axis=1)[None])
    (predicted,) = found.predictions.predicted
    assert (predicted[folds[0] == 0] == 0).all()
    assert (predicted[folds[0] == 1] == 1).all()


@pytest.mark.parametrize(
    "strategy", ["threshold", "multipliers", "inverse + multipliers", "prior", "unweight + multipliers"]
)
def test_labels_of_a_fold_do_not_change_its_own_predictions(make_data, strategy):
    sizes = [80, 30] if "threshold" in strategy else [80, 30, 12]
    data = make_data(sizes, repeats=2)
    rng = np.random.default_rng(3)
    proba = rng.dirichlet(np.ones(len(sizes)), size=(2, len(data.codes)))
    before = judged(arm_of(strategy), data, proba).predictions
    for repeat in range(2):
        own = data.folds[repeat] == 1
        changed = data.codes.copy()
        # Other labels, and other shares of the classes, for the rows of the fold alone.
        changed[own] = rng.permutation(np.where(rng.random(own.sum()) < 0.4, 0, changed[own]))
        after = judged(arm_of(strategy), replace(data, codes=changed), proba).predictions
        assert np.array_equal(before.predicted[repeat, own], after.predicted[repeat, own])
        assert np.array_equal(before.proba[repeat, own], after.proba[repeat, own])
        if "multipliers" in strategy or "threshold" in strategy:
            assert not np.array_equal(before.predicted[repeat, ~own], after.predicted[repeat, ~own])


def test_the_final_rule_is_fitted_on_all_rows(make_data):
    from steelyard.decisions import Threshold

    data = make_data([80, 40], repeats=2)
    proba = np.random.default_rng(3).dirichlet([1, 1], size=(2, 120)).astype(np.float32)
    found = judged(arm_of("threshold(metric=f1)"), data, proba)
    as_double = proba.astype(np.float64)
    as_double /= as_double.sum(axis=-1, keepdims=True)
    whole = Threshold(metric="f1").fit(as_double.reshape(-1, 2), np.tile(data.codes, 2), positive=1)
    assert found.decision == whole


@pytest.mark.parametrize(("sizes", "strategy"), [([400, 60], "threshold"), ([400, 60, 25], "multipliers")])
def test_the_bias_that_cross_fitting_leaves_on_noise_is_small(make_data, sizes, strategy):
    """A tuned rule on scores that know nothing is no better than the same rule without skill."""
    excess = []
    for seed in range(30):
        data = make_data(sizes, seed=seed, n_folds=5)
        proba = np.random.default_rng(seed).dirichlet(np.array(sizes) / 50, size=(1, sum(sizes)))
        predictions = [judged(arm_of(strategy), data, proba).predictions]
        drawn = bootstrapped(MACRO_F1, data.codes, predictions, size=2, seed=0)
        table = score_arms(MACRO_F1, data.codes, predictions, [0], drawn, seed)
        excess.append(float(table.score[0] - table.no_skill[0]))
    error = np.std(excess) / np.sqrt(len(excess))
    assert np.mean(excess) < 0.005 + 2 * error


def test_the_rarer_class_is_the_positive_one():
    assert rarer_class(np.array([0, 0, 1]), 2) == 1
    assert rarer_class(np.array([0, 1, 1]), 2) == 0
    assert rarer_class(np.array([0, 1]), 2) == 1


def test_scored_rows_leave_out_what_is_never_scored(make_data):
    data = make_data([20, 8, 1])
    scored = ScoredRows.of(data)
    assert len(scored.rows) == 28
    assert set(scored.codes) == {0, 1}
