"""Robust multipliers: against brute force where the answer is known, and against the exact search on new rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef, recall_score

from steelyard.decisions import Multipliers, RobustMultipliers
from steelyard.decisions._reweighted import WeightedRows, ascend_rows
from steelyard.errors import UsageError
from steelyard.metrics import get_metric

SHARES = np.array([0.8, 0.15, 0.05])


def sample(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities of rows, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, p=SHARES, size=n)
    x = y[:, None] == np.arange(3)
    logits = 1.5 * (x + rng.normal(0, 1, size=(n, 3))) + np.log(SHARES)
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True), y


@pytest.mark.parametrize("name", ["macro_f1", "mcc", "min_recall"])
def test_weighted_search_over_two_classes_is_the_best_of_all_cuts(name: str) -> None:
    rng = np.random.default_rng(0)
    y, p, weight = rng.integers(2, size=60), rng.random(60), rng.uniform(0.2, 3, 60)
    score = {
        "macro_f1": lambda h: f1_score(y, h, average="macro", sample_weight=weight, zero_division=0),
        "mcc": lambda h: matthews_corrcoef(y, h, sample_weight=weight),
        "min_recall": lambda h: recall_score(y, h, average=None, sample_weight=weight).min(),
    }[name]
    best = max(score((p > cut).astype(int)) for cut in [-1, *p, 2])
    rows = WeightedRows(np.log(np.column_stack([1 - p, p])), y, weight, get_metric(name))
    found = ascend_rows(rows, np.zeros(2), [1])
    assert score((rows.logs + found).argmax(axis=1)) == pytest.approx(best)
    assert rows.value(found) == pytest.approx(best)


def test_a_row_that_weighs_two_is_two_rows() -> None:
    p, y = sample(300, 0)
    times = 1 + np.arange(300) % 2
    again = np.repeat(np.arange(300), times)
    metric = get_metric("macro_f1")
    heavy = WeightedRows(np.log(p), y, times.astype(float), metric)
    copied = WeightedRows(np.log(p[again]), y[again], np.ones(len(again)), metric)
    np.testing.assert_allclose(ascend_rows(heavy, np.zeros(3), [2, 1, 0]), ascend_rows(copied, np.zeros(3), [2, 1, 0]))


def test_for_balanced_accuracy_of_true_probabilities_it_is_near_one_over_the_shares() -> None:
    p, y = sample(3000, 1)
    found = np.array(RobustMultipliers("balanced_accuracy").fit(p, y).log_multipliers)
    expected = -np.log(SHARES)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=0.5)


@pytest.mark.parametrize("metric", ["macro_f1", "balanced_accuracy"])
def test_on_new_rows_it_keeps_more_of_its_gain_than_the_exact_search(metric: str) -> None:
    score = {
        "macro_f1": lambda y, h: f1_score(y, h, average="macro", zero_division=0),
        "balanced_accuracy": balanced_accuracy_score,
    }[metric]
    fresh, truth = sample(20000, 99)
    kept, exact, argmax = [], [], score(truth, fresh.argmax(axis=1))
    for seed in range(25):
        p, y = sample(300, seed)
        kept.append(score(truth, RobustMultipliers(metric).fit(p, y).predict(fresh)))
        exact.append(score(truth, Multipliers(metric, guard=None).fit(p, y).predict(fresh)))
    assert np.mean(kept) > np.mean(exact)
    assert np.mean(kept) > argmax - 0.002


def test_min_recall_lifts_the_weakest_class() -> None:
    p, y = sample(1500, 2)
    fresh, truth = sample(20000, 98)
    rule = RobustMultipliers("min_recall").fit(p, y)
    lowest = recall_score(truth, rule.predict(fresh), average=None).min()
    plain = recall_score(truth, (fresh / SHARES).argmax(axis=1), average=None).min()
    assert lowest > plain - 0.01
    assert lowest > recall_score(truth, fresh.argmax(axis=1), average=None).min() + 0.2


def test_weights_stand_for_rows() -> None:
    p, y = sample(500, 3)
    shifted = RobustMultipliers("macro_f1").fit(p, y, sample_weight=np.where(y == 2, 10.0, 1.0))
    plain = RobustMultipliers("macro_f1").fit(p, y)
    # With ten times the rows, class 2 is common and needs less help.
    assert shifted.log_multipliers != plain.log_multipliers


def test_one_class_is_left_alone_and_said() -> None:
    p, _ = sample(10, 4)
    rule = RobustMultipliers().fit(p, np.zeros(10, dtype=int))
    assert rule.log_multipliers == (0.0, 0.0, 0.0)
    assert "fewer than two classes" in rule.notes[0]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="rounds must be a positive"):
        RobustMultipliers(rounds=0)
    with pytest.raises(UsageError, match="of probabilities"):
        RobustMultipliers("log_loss")
    with pytest.raises(UsageError, match="for multi-label use threshold"):
        RobustMultipliers().fit(np.zeros((4, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize(("name", "score"), [("macro_f1", f1_score), ("mcc", matthews_corrcoef)])
def test_of_two_classes_the_smoothed_cut_is_nearer_to_the_best_on_new_rows_than_the_best_cut(name, score) -> None:
    def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        y = (rng.random(n) < 0.05).astype(int)
        odds = 2 * (rng.normal(size=n) + 2 * y) - 2 + np.log(0.05 / 0.95)
        p = 1 / (1 + np.exp(-odds))
        return np.column_stack([1 - p, p]), y

    options = {"average": "macro"} if name == "macro_f1" else {}
    fresh, truth = draw(20000, 99)
    smooth, exact = [], []
    for seed in range(12):
        p, y = draw(600, seed)
        smooth.append(score(truth, RobustMultipliers(name).fit(p, y).predict(fresh), **options))
        best = max(np.linspace(0.03, 0.97, 48), key=lambda cut: score(y, (p[:, 1] > cut).astype(int), **options))
        exact.append(score(truth, (fresh[:, 1] > best).astype(int), **options))
    assert np.mean(smooth) > np.mean(exact)
    assert np.mean(smooth) > score(truth, fresh.argmax(axis=1), **options) + 0.01
