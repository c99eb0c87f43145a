"""Resamples, judged against scikit-learn's metrics on rows that are really drawn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from steelyard.metrics import get_metric
from steelyard.study import resampling
from steelyard.study.resampling import (
    Predictions,
    blocks,
    bootstrap_weights,
    bootstrapped,
    half_weights,
    halved,
    kinds_of,
    metric_values,
    permuted,
)


@pytest.fixture
def arm():
    rng = np.random.default_rng(5)
    codes = rng.permutation(np.repeat([0, 1, 2], [60, 21, 6]))
    proba = rng.dirichlet([1, 1, 1], size=(2, len(codes)))
    proba[:, np.arange(len(codes)), codes] += 0.4
    proba /= proba.sum(axis=-1, keepdims=True)
    return codes, Predictions(proba.argmax(axis=-1), proba)


def test_bootstraps_draw_within_each_class(arm):
    codes, _ = arm
    weights = bootstrap_weights(codes, 50, np.random.default_rng(0))
    for code, size in enumerate([60, 21, 6]):
        assert (weights[:, codes == code].sum(axis=1) == size).all()
    assert 0.3 < (weights == 0).mean() < 0.45


def test_halves_take_half_of_each_class_and_leave_the_other(arm):
    codes, _ = arm
    weights = half_weights(codes, 400, np.random.default_rng(0))
    assert set(np.unique(weights)) == {0.0, 1.0}
    taken = np.stack([weights[:, codes == code].sum(axis=1) for code in range(3)], axis=1)
    assert set(taken[:, 0]) == {30}
    assert set(taken[:, 1]) == {10, 11}
    assert set(taken[:, 2]) == {3}
    # Every row is as likely to be taken as any other.
    assert np.abs(weights.mean(axis=0) - 0.5).max() < 0.12


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss"])
def test_a_weighted_metric_is_that_of_repeated_rows(arm, metric):
    codes, predictions = arm
    weights = bootstrap_weights(codes, 4, np.random.default_rng(1))
    ours = metric_values(get_metric(metric), codes, predictions, weights)
    for line, value in zip(weights, ours, strict=True):
        rows = np.repeat(np.arange(len(codes)), line.astype(int))
        if metric == "macro_f1":
            theirs = [f1_score(codes[rows], p[rows], average="macro") for p in predictions.predicted]
        else:
            theirs = [log_loss(codes[rows], p[rows], labels=[0, 1, 2]) for p in predictions.proba]
        assert value == pytest.approx(np.mean(theirs), abs=1e-12)


def test_all_arms_see_the_same_bootstraps(arm):
    codes, predictions = arm
    drawn = bootstrapped(get_metric("macro_f1"), codes, [predictions, predictions], size=20, seed=4)
    assert np.array_equal(drawn.values[0], drawn.values[1])
    assert len(set(drawn.values[0])) > 10


def test_small_blocks_use_all_resamples(arm, monkeypatch):
    codes, predictions = arm
    monkeypatch.setattr(resampling, "BLOCK", 5 * len(codes))
    assert blocks(12, len(codes)) == [5, 5, 2]
    metric = get_metric("macro_f1")
    assert bootstrapped(metric, codes, [predictions], size=12, seed=0).values.shape == (1, 12)
    chosen, other = halved(metric, codes, [predictions], size=12, seed=0)
    assert chosen.shape == other.shape == (1, 12)


def test_no_skill_is_the_score_of_predictions_that_are_really_shuffled(arm):
    codes, predictions = arm
    rng = np.random.default_rng(8)
    theirs = [
        np.mean([f1_score(codes, rng.permutation(p), average="macro") for p in predictions.predicted])
        for _ in range(400)
    ]
    ours = permuted(get_metric("macro_f1"), codes, predictions, size=400, seed=0)
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.01)
    assert np.std(ours) == pytest.approx(np.std(theirs), rel=0.25)


def agreeing_arms(rows: int = 900):
    """Two arms that agree on most rows, so that there are few kinds of rows."""
    rng = np.random.default_rng(7)
    codes = rng.permutation(np.repeat([0, 1, 2], [rows - 91, 70, 21]))
    arms = []
    for share in (0.2, 0.3):
        predicted = np.where(rng.random((2, rows)) < share, rng.integers(3, size=(2, rows)), codes)
        arms.append(Predictions(predicted, np.full((2, rows, 3), 1 / 3)))
    return codes, arms


def test_kinds_of_rows_have_the_counts_of_their_rows():
    codes, arms = agreeing_arms()
    kinds = kinds_of(codes, arms)
    assert kinds is not None
    assert kinds.times.sum() == len(codes)
    lines = np.stack([codes, *arms[0].predicted, *arms[1].predicted])
    for place, times in enumerate(kinds.times):
        one = np.array([kinds.codes[place], *kinds.arms[0].predicted[:, place], *kinds.arms[1].predicted[:, place]])
        assert (lines == one[:, None]).all(axis=0).sum() == times


def test_rows_that_are_all_different_are_drawn_themselves(arm):
    codes, _ = arm
    predicted = np.arange(len(codes))[None]
    assert kinds_of(codes, [Predictions(predicted, np.zeros((1, len(codes), 3)))]) is None


@pytest.mark.parametrize("draw", [bootstrap_weights, half_weights])
def test_drawn_kinds_are_distributed_as_drawn_rows(draw):
    codes, arms = agreeing_arms()
    kinds = kinds_of(codes, arms)
    lines = np.stack([codes, *arms[0].predicted, *arms[1].predicted])
    ours = draw(kinds.codes, 20_000, np.random.default_rng(0), kinds.times)
    rows = draw(codes, 4_000, np.random.default_rng(1))
    for code in range(3):
        totals = ours[:, kinds.codes == code].sum(axis=1)
        assert set(totals) <= set(rows[:, codes == code].sum(axis=1))
    for place in np.argsort(-kinds.times)[:12]:
        one = np.array([kinds.codes[place], *kinds.arms[0].predicted[:, place], *kinds.arms[1].predicted[:, place]])
        theirs = rows[:, (lines == one[:, None]).all(axis=0)].sum(axis=1)
        assert abs(ours[:, place].mean() - theirs.mean()) < 5 * theirs.std() / np.sqrt(len(theirs)) + 1e-9
        # A standard deviation of 4,000 draws is known to about a hundredth of itself.
        assert abs(ours[:, place].std() / theirs.std() - 1) < 0.06


def test_halves_of_kinds_and_their_rest_make_the_whole():
    codes, arms = agreeing_arms()
    metric = get_metric("accuracy")
    one, other = halved(metric, codes, arms, size=50, seed=0)
    whole = [(arm.predicted == codes).mean() for arm in arms]
    np.testing.assert_allclose((one + other).mean(axis=1) / 2, whole, atol=2e-3)
