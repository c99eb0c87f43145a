from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn import metrics as sk

from steelyard.decisions import Multipliers
from steelyard.errors import UsageError
from steelyard.metrics import get_metric


def example(seed=0, n=2000, n_classes=6, rarest=0.01):
    rng = np.random.default_rng(seed)
    prior = np.geomspace(1, rarest, n_classes)
    y = rng.choice(n_classes, n, p=prior / prior.sum())
    logits = rng.normal(size=(n, n_classes)) * 1.2 + np.log(prior)
    logits[np.arange(n), y] += 2
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True), y


def macro_f1(y, predicted):
    return sk.f1_score(y, predicted, average="macro", zero_division=0)


SCORED = {
    "macro_f1": macro_f1,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "accuracy": sk.accuracy_score,
    "min_recall": lambda y, h: sk.recall_score(y, h, average=None).min(),
}


@pytest.mark.parametrize("metric", SCORED)
@pytest.mark.parametrize("guard", ["auto", None])
def test_never_below_argmax_or_the_class_shares(metric, guard):
    proba, y = example()
    found = SCORED[metric](y, Multipliers(metric=metric, guard=guard).fit(proba, y).predict(proba))
    assert found >= SCORED[metric](y, proba.argmax(axis=1)) - 1e-12
    assert found >= SCORED[metric](y, (proba / np.bincount(y)).argmax(axis=1)) - 1e-12


def test_macro_f1_is_not_below_nelder_meads():
    proba, y = example(seed=1, n=1500, n_classes=5)
    log_proba = np.log(proba)
    counts = np.bincount(y)

    def loss(log_multipliers):
        predicted = (log_proba + log_multipliers).argmax(axis=1)
        hits = np.bincount(y[y == predicted], minlength=5)
        return -np.mean(2 * hits / (np.bincount(predicted, minlength=5) + counts))

    best = min(
        minimize(loss, start, method="Nelder-Mead", options={"maxfev": 1500}).fun
        for start in (np.zeros(5), -np.log(counts / len(y)))
    )
    found = macro_f1(y, Multipliers(guard=None).fit(proba, y).predict(proba))
    assert found >= -best
    assert found > macro_f1(y, proba.argmax(axis=1)) + 0.02


def test_two_classes_reach_the_best_of_all_cuts():
    proba, y = example(seed=2, n=300, n_classes=2, rarest=0.2)
    cuts = np.r_[0, np.sort(proba[:, 1]), 2]
    best = max(macro_f1(y, (proba[:, 1] >= cut).astype(int)) for cut in cuts)
    for given in (proba, proba[:, 1]):
        assert macro_f1(y, Multipliers(guard=None).fit(given, y).predict(given)) == pytest.approx(best)


def test_classes_of_no_row_or_one_keep_the_multiplier_of_their_start():
    proba, y = example(seed=3, n=300, n_classes=5)
    y[np.isin(y, [3, 4])] = 0
    y[7] = 3
    found = np.array(Multipliers(metric="balanced_accuracy", guard=None).fit(proba, y).log_multipliers)
    # Absent and single rows count as one: equal multipliers of a common start.
    assert found[3] == pytest.approx(found[4])


def test_classes_under_twenty_rows_are_guarded_and_said():
    proba, y = example(seed=4, n=600, n_classes=4, rarest=0.02)
    counts = np.bincount(y)
    assert counts[3] < 20 <= counts[2]
    guarded, exact = (Multipliers(guard=guard).fit(proba, y) for guard in ("auto", None))
    assert exact.notes == ()
    assert "1 of 4 classes have under 20 rows: their multipliers were moved" in guarded.notes[0]
    assert guarded.log_multipliers != exact.log_multipliers


def test_guard_does_not_chase_noise():
    # The rare class's scores say nothing: tuned on four rows its multiplier is luck, and fails on new rows.
    rng = np.random.default_rng(5)
    lost = []
    for _ in range(20):
        y = np.r_[np.zeros(200, int), np.ones(200, int), np.full(4, 2)]
        proba = rng.dirichlet([1, 1, 0.1], len(y))
        fresh = rng.dirichlet([1, 1, 0.1], 4000)
        truth = rng.choice(3, 4000, p=[200 / 404, 200 / 404, 4 / 404])
        scores = [macro_f1(truth, Multipliers(guard=g).fit(proba, y).predict(fresh)) for g in ("auto", None)]
        lost.append(scores[1] - scores[0])
    assert np.mean(lost) < 0.005


def test_constant_scores_and_ties_predict_one_class():
    y = np.array([0, 0, 1, 2])
    predicted = Multipliers().fit(np.full((4, 3), 1 / 3), y).predict(np.full((4, 3), 1 / 3))
    assert len(set(predicted.tolist())) == 1


def test_zero_probabilities_are_finite():
    proba, y = np.eye(3)[[0, 1, 2, 0, 0]], np.array([0, 1, 2, 1, 0])
    rule = Multipliers(guard=None).fit(proba, y)
    assert np.isfinite(rule.log_multipliers).all()
    assert macro_f1(y, rule.predict(proba)) >= macro_f1(y, proba.argmax(axis=1))


def test_rows_of_one_class_leave_the_multipliers_at_one():
    rule = Multipliers().fit(np.full((3, 2), 0.5), np.zeros(3, int))
    assert rule.log_multipliers == (0.0, 0.0)
    assert "nothing to tune" in rule.notes[0]


def test_wrong_forms_are_refused():
    with pytest.raises(UsageError, match="threshold"):
        Multipliers().fit(np.full((3, 2), 0.5), np.zeros((3, 2)))
    with pytest.raises(UsageError, match="code 2"):
        Multipliers().fit(np.full((3, 2), 0.5), np.array([0, 1, 2]))
    with pytest.raises(UsageError, match="macro_f1"):
        Multipliers(metric="log_loss")
    with pytest.raises(UsageError, match=r"\(n_samples, 6\)"):
        Multipliers().fit(*example(n=100)).predict(np.full((2, 3), 1 / 3))


def test_in_a_study_it_takes_the_studys_metric():
    open_rule, fixed = Multipliers(), Multipliers(metric="mcc")
    assert open_rule.for_study(n_classes=4, metric=get_metric("accuracy")).metric == "accuracy"
    assert open_rule.for_study(n_classes=4, metric=get_metric("brier")).metric == "macro_f1"
    assert fixed.for_study(n_classes=4, metric=get_metric("accuracy")).metric == "mcc"


def test_twenty_eight_thousand_rows_of_eighteen_classes_take_seconds_not_minutes():
    proba, y = example(seed=6, n=28_000, n_classes=18, rarest=0.002)
    began = time.process_time()
    Multipliers().fit(proba, y)
    # About one second; the bound leaves room for a slow machine and fails a dense search.
    assert time.process_time() - began < 8


def test_many_rows_are_no_worse_than_any_start_and_close_to_ascents_on_all_of_them(monkeypatch):
    proba, y = example(seed=6, n=12000, n_classes=5, rarest=0.01)
    whole = macro_f1(y, Multipliers(guard=None).fit(proba, y).predict(proba))
    monkeypatch.setattr("steelyard.decisions.multipliers._ROUGH", 3000)
    monkeypatch.setattr("steelyard.decisions._ascent.COMPILED_FROM", 1000)
    found = macro_f1(y, Multipliers(guard=None).fit(proba, y).predict(proba))
    prior = np.bincount(y) / len(y)
    assert found >= max(macro_f1(y, (proba / prior**power).argmax(axis=1)) for power in (0.0, 0.5, 1.0))
    assert found == pytest.approx(whole, abs=0.01)
