"""Calibration, selection and the race, each on cases with a known answer."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from sklearn.metrics import log_loss

from steelyard.blend import Calibration, Clock, auto_trainings, fit_blend, greedy_weights, trainings_of
from steelyard.blend.fits import Fit, runner
from steelyard.blend.race import Race
from steelyard.engine import EngineData, FitPlan, Training, fit_many
from steelyard.features import TableSchema
from steelyard.models import Linear, parse_model
from steelyard.strategy import Strategy
from steelyard.study import make_folds


def tilted(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, the true probabilities, and those of a model trained with weights 1, 1, 8."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 3)) * 1.5 + np.log([0.6, 0.3, 0.1])
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in p])
    q = p * [1, 1, 8]
    return y, p, q / q.sum(axis=1, keepdims=True)


def test_calibration_undoes_class_weights() -> None:
    y, p, q = tilted(3000)
    found = Calibration.fit(q, y, np.ones(3000))
    assert log_loss(y, found.transform(q)) == pytest.approx(log_loss(y, p), abs=0.003)
    assert log_loss(y, q) > log_loss(y, p) + 0.1


def test_calibration_is_the_minimum_of_its_penalised_loss() -> None:
    y, _, q = tilted(200)
    weight = np.random.default_rng(1).uniform(0.5, 2, 200)
    found = Calibration.fit(q, y, weight)
    mixed = np.log(0.999 * q + 0.001 * np.array(found.priors))

    def loss(v: np.ndarray) -> float:
        z = np.exp(v[0]) * mixed + v[1:]
        z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
        return float(-weight @ z[np.arange(200), y] + 0.5 * (300 * v[0] ** 2 + (v[1:] ** 2).sum()))

    best = minimize(loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-9})
    ours = np.log(found.factors.factors)
    theirs = best.x[1:] - best.x[1:].max()
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert found.factors.power == pytest.approx(np.exp(best.x[0]), abs=1e-3)


def test_selection_finds_the_mixture_of_complementary_arms() -> None:
    y, p, _ = tilted(2000)
    rng = np.random.default_rng(0)
    noisy = [np.exp(np.log(p) + rng.normal(0, 1.0, p.shape)) for _ in range(2)]
    noisy = [q / q.sum(axis=1, keepdims=True) for q in noisy]
    useless = np.full_like(p, 1 / 3)
    likelihood = np.stack([q[np.arange(2000), y] for q in (*noisy, useless)])
    weights = greedy_weights(likelihood, np.ones(2000))
    assert weights.sum() == pytest.approx(1)
    assert weights[2] < 0.15
    mixed = -np.log(weights @ likelihood).mean()
    assert mixed < -np.log(likelihood).mean(axis=1).min()


def table(n: int = 400, seed: int = 0, row_weight: np.ndarray | None = None) -> EngineData:
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, p=[0.7, 0.2, 0.1], size=n)
    X = rng.normal(size=(n, 4)) + codes[:, None]
    frame = pl.DataFrame({f"x{i}": X[:, i] for i in range(4)})
    schema = TableSchema.infer(frame)
    folds = make_folds(codes, 4, seed=seed)
    return EngineData(schema.extract(frame), schema, codes, ("a", "b", "c"), folds, seed, row_weight)


LINEAR = [Training.of(Strategy.parse(text), Linear()) for text in ("do_nothing", "inverse")]


def test_scores_are_those_of_the_study_s_engine_s_folds() -> None:
    data = table()
    race = Race(LINEAR, data, Clock())
    with runner(data, 1, stoppable=False) as running:
        assert race.run(running) == [0, 1]
    for outcome in fit_many([FitPlan(LINEAR[1], 0, fold) for fold in range(4)], data):
        rows = data.score_rows(0, outcome.plan.fold)
        np.testing.assert_allclose(race.entrants[1].proba[0, rows], outcome.proba, atol=1e-6)


def test_processes_give_what_one_process_gives() -> None:
    data = table(120)
    alone, together = (fit_blend(LINEAR, None, data, n_jobs=jobs) for jobs in (1, 2))
    assert alone is not None
    assert together is not None
    np.testing.assert_array_equal(alone.oof.proba, together.oof.proba)
    np.testing.assert_array_equal(alone.blend.predict_proba(data.matrix), together.blend.predict_proba(data.matrix))


def test_row_weights_reach_the_fit() -> None:
    from sklearn.linear_model import LogisticRegression

    weight = np.random.default_rng(3).uniform(0.2, 3, 400)
    data = table(row_weight=weight)
    with runner(data, 1, stoppable=False) as running:
        running.submit(Fit(0, LINEAR[0]))
        result = running.next(None)
    assert result is not None
    assert result.pipeline is not None
    X = result.pipeline.encoder.transform(data.matrix)
    theirs = LogisticRegression(max_iter=2000, tol=1e-8).fit(X, data.codes, sample_weight=weight / weight.mean())
    np.testing.assert_allclose(result.pipeline.predict_proba(data.matrix), theirs.predict_proba(X), atol=2e-3)


def test_an_arm_that_is_surely_worse_is_dropped_after_its_first_fold() -> None:
    data = table(800)
    noise = replace(data, matrix=data.matrix)
    hopeless = Training.of(Strategy(), parse_model("linear(C=1e-8)"))
    race = Race([LINEAR[0], LINEAR[1], hopeless], noise, Clock())
    with runner(noise, 1, stoppable=False) as running:
        finished = race.run(running)
    assert 2 not in finished
    assert race.entrants[2].dropped == "behind after the first fold"
    assert len(race.entrants[2].scored) == 1
    assert 0 in finished


def test_of_few_arms_a_small_share_of_the_mixture_does_not_save_one_that_is_behind(monkeypatch: Any) -> None:
    data = table(800)
    hopeless = Training.of(Strategy(), parse_model("linear(C=1e-8)"))
    monkeypatch.setattr(Race, "_compared", _five_in_a_hundred(Race._compared))
    for least, racing in ((0.1, [0, 1]), (0.04, [0, 1, 2])):
        monkeypatch.setattr("steelyard.blend.race._LEAST_OF_FEW", least)
        race = Race([*LINEAR, hopeless], data, Clock())
        with runner(data, 1, stoppable=False) as running:
            assert race.run(running) == racing


def _five_in_a_hundred(compared: Any) -> Any:
    """The comparison with a mixture that has little of the last arm."""

    def changed(race: Race, repeat: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        likelihood, _ = compared(race, repeat, rows)
        return likelihood, np.array([0.475, 0.475, 0.05])

    return changed


def test_no_arm_is_trained_when_there_is_no_time() -> None:
    assert fit_blend(LINEAR, None, table(), clock=Clock(1e-6)) is None


def test_a_time_limit_is_kept() -> None:
    started = time.perf_counter()
    slow = Training.of(Strategy(), parse_model("extra_trees(n_estimators=200000)"))
    result = fit_blend([LINEAR[0], slow], None, table(), clock=Clock(12.0))
    # The process of the endless fit was ended; what is left over is the start of the processes.
    assert time.perf_counter() - started < 300
    assert result is not None
    assert [record.note for record in result.records] == ["", "no time left"]


def test_arms_of_given_parts() -> None:
    assert len(auto_trainings("fast", 500, 3)) == 4 < len(auto_trainings("full", 500, 3))
    # On few rows of many classes, boosting is one small arm.
    assert [t.model.params().get("num_leaves") for t in auto_trainings("fast", 500, 20)] == [None, 7, None, None]
    assert [str(t.model)[:8] for t in auto_trainings("full", 500, 20)].count("boosting") == 1
    # Under a time limit the same arms, one of each kind first.
    free, limited = (auto_trainings("full", 3000, 5, limited=limited) for limited in (False, True))
    assert set(map(str, free)) == set(map(str, limited))
    assert [t.model.name for t in limited[:4]] == ["linear", "boosting", "mlp", "extra_trees"]
    focal = Strategy.parse("focal")
    assert {training.model.name for training in trainings_of(None, focal, "full", 500, 3)} == {
        "boosting",
        "linear",
        "mlp",
    }
    assert [str(t) for t in trainings_of([Linear()], None, "full", 500, 3)] == [
        "do_nothing | linear", "inverse | linear", "sqrt | linear"
    ]  # fmt: skip


def test_an_arm_that_no_mixture_wants_is_not_scored_again_when_the_folds_are_dealt_anew() -> None:
    data = table(300)
    again = replace(data, folds=make_folds(data.codes, 4, seed=0, repeats=2))
    hopeless = Training.of(Strategy(), parse_model("linear(C=1e-8)"))
    race = Race([LINEAR[0], LINEAR[1], hopeless], again, Clock())
    with runner(again, 1, stoppable=False) as running:
        finished = race.run(running)
    assert finished == [0, 1]
    assert race.entrants[2].dropped == "behind after all rows were scored once"
    assert race.entrants[2].scored == {(0, fold) for fold in range(4)}


def test_under_a_time_limit_folds_are_dealt_anew_only_where_there_is_time() -> None:
    data = table(200)
    twice = replace(data, folds=make_folds(data.codes, 4, seed=0, repeats=2))
    race = Race(LINEAR, twice, Clock(600.0))
    with runner(twice, 1, stoppable=False) as running:
        assert race.run(running) == [0, 1]
    assert race.repeats == 2
    assert race.closing > 0
    late = Race(LINEAR, twice, Clock(600.0))
    # As if all rows scored once had taken nearly all of it.
    late._time_for = lambda folds, width: False  # type: ignore[method-assign]
    with runner(twice, 1, stoppable=False) as running:
        assert late.run(running) == [0, 1]
    assert late.repeats == 1
    assert {cell[0] for entrant in late.entrants for cell in entrant.scored} == {0}


def test_the_first_fits_of_a_process_do_not_set_what_a_fit_takes() -> None:
    entrant = Race(LINEAR, table(60), Clock()).entrants[0]
    assert entrant.expected() == 0
    entrant.seconds += [9.0, 8.0, 0.5, 0.4]
    assert entrant.typical() == 0.5
    assert entrant.expected() == pytest.approx(0.7)
