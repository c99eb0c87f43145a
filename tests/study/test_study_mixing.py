"""A mixture as an arm: honest out of fold, kept in the ledger, and trained as it was judged."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score, log_loss

from steelyard.api.result import fit_arm
from steelyard.artifact import load_model
from steelyard.engine import Training
from steelyard.metrics import get_metric
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study import BlendArm, DataFacts, StudyPlan, execute, make_arms, predictions_frame, study_record
from steelyard.study import cells as cells_module
from steelyard.study.assess import ScoredRows
from steelyard.study.mixing import assess_blend

MACRO_F1 = get_metric("macro_f1")


def training(strategy: str, model: str) -> Training:
    return Training.of(Strategy.parse(strategy), parse_model(model))


MEMBERS = (training("do_nothing", "linear"), training("inverse", "linear"), training("do_nothing", "lda"))


@pytest.fixture
def plan():
    arms, _ = make_arms([Strategy()], [parse_model("linear")])
    return StudyPlan((*arms, BlendArm(MEMBERS)), MACRO_F1)


def raw_scores(data, seed=0):
    """Probabilities of three made-up members, better than chance."""
    rng = np.random.default_rng(seed)
    made = {}
    for place, member in enumerate(MEMBERS):
        logits = rng.normal(size=(len(data.folds), len(data.codes), data.n_classes))
        logits[:, np.arange(len(data.codes)), data.codes] += 1.0 + 0.3 * place
        e = np.exp(logits)
        made[member] = (e / e.sum(axis=2, keepdims=True)).astype(np.float32)
    return made


def test_the_labels_of_a_fold_take_no_part_in_what_it_is_judged_by(make_data):
    data = make_data([60, 25, 12], repeats=2)
    scores = raw_scores(data)
    before = assess_blend(BlendArm(MEMBERS), scores, 0.0, data, ScoredRows.of(data), MACRO_F1).predictions
    inside = data.folds[0] == 1
    codes = data.codes.copy()
    codes[inside] = np.random.default_rng(5).permutation((codes[inside] + 1) % 3)
    changed = replace(data, codes=codes)
    after = assess_blend(BlendArm(MEMBERS), scores, 0.0, changed, ScoredRows.of(changed), MACRO_F1).predictions
    np.testing.assert_array_equal(before.proba[0, inside], after.proba[0, inside])
    np.testing.assert_array_equal(before.predicted[0, inside], after.predicted[0, inside])
    # The other folds learned from these labels.
    assert not np.array_equal(before.proba[0, ~inside], after.proba[0, ~inside])


def test_members_that_know_different_things_are_better_together(make_data):
    data = make_data([300, 120, 60])
    scores = raw_scores(data)
    mixed = assess_blend(BlendArm(MEMBERS), scores, 0.0, data, ScoredRows.of(data), MACRO_F1)
    assert sum(member.weight for member in mixed.mixture) == pytest.approx(1)
    exact = [part[0].astype(np.float64) for part in scores.values()]
    alone = [log_loss(data.codes, part / part.sum(axis=1, keepdims=True)) for part in exact]
    assert log_loss(data.codes, mixed.predictions.proba[0]) < min(alone) - 0.05


def test_scores_of_pure_noise_stay_at_chance(make_data):
    gaps = []
    for seed in range(4):
        data = make_data([200, 60, 40], seed=seed)
        noise = {
            m: np.random.default_rng([seed, i]).dirichlet(np.ones(3), (1, 300)).astype("f4")
            for i, m in enumerate(MEMBERS)
        }
        found = assess_blend(BlendArm(MEMBERS), noise, 0.0, data, ScoredRows.of(data), MACRO_F1).predictions.predicted[
            0
        ]
        shuffled = [
            f1_score(data.codes, np.random.default_rng(k).permutation(found), average="macro") for k in range(60)
        ]
        gaps.append(f1_score(data.codes, found, average="macro") - np.mean(shuffled))
    # One study's score strays by .03.
    assert abs(np.mean(gaps)) < 0.04


def test_a_study_judges_a_mixture_like_any_arm(make_data, plan, tmp_path):
    data = make_data([70, 30, 12])
    outcome = execute(plan, data, DataFacts())
    record = study_record(outcome)
    arm = record["arms"][-1]
    assert (arm["id"], arm["strategy"], arm["model"]) == ("auto | auto", "auto", "auto")
    assert sum(part["weight"] for part in arm["mixture"]) == pytest.approx(1, abs=1e-3)
    assert arm["notes"][0].startswith("auto is a mixture of ")
    rows = predictions_frame(outcome).filter(arm="auto | auto")
    assert arm["score"] == pytest.approx(f1_score(rows["label"], rows["prediction"], average="macro"))
    trained = fit_arm(outcome.arms[-1], data, {})
    trained.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    frame = pl.DataFrame({f"x{i}": data.matrix.numeric[:, i] for i in range(3)})
    np.testing.assert_array_equal(trained.predict_proba(frame), again.predict_proba(frame))
    np.testing.assert_array_equal(trained.predict(frame), again.predict(frame))
    assert str(again) == f"mixture of {len(arm['mixture'])} arms"
    weights = [member.weight for member in trained.pipeline.members]
    assert sorted(np.round(weights, 4), reverse=True) == [part["weight"] for part in arm["mixture"]]


def test_a_mixture_goes_on_from_the_ledger(make_data, plan, tmp_path, monkeypatch):
    data = make_data([40, 20, 8], repeats=2)
    path = tmp_path / "ledger.sqlite"
    whole = execute(plan, data, DataFacts(), ledger=path)
    with sqlite3.connect(path) as db:
        (cells,) = db.execute("SELECT count(*) FROM cells WHERE arm = 'auto | auto'").fetchone()
        assert cells == 8
        db.execute("DELETE FROM fits WHERE training = 'do_nothing | lda' AND fold = 0")
        db.execute("DELETE FROM cells WHERE arm = 'auto | auto' AND fold = 0")
    fitted, fit_many = [], cells_module.fit_many

    def counted(plans, *arguments, **options):
        fitted.extend(plans)
        return fit_many(plans, *arguments, **options)

    monkeypatch.setattr(cells_module, "fit_many", counted)
    again = execute(plan, data, DataFacts(), ledger=path)
    assert {(str(p.training), p.fold) for p in fitted} == {("do_nothing | lda", 0)}
    np.testing.assert_array_equal(whole.arms[-1].predictions.proba, again.arms[-1].predictions.proba)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM cells WHERE arm = 'auto | auto'").fetchone() == (8,)


def test_too_little_time_for_two_members_leaves_the_mixture_out_and_says_so(make_data, plan):
    data = make_data([40, 20, 8])
    outcome = execute(replace(plan, time_limit=1e-6), data, DataFacts())
    assert [arm.arm.id for arm in outcome.arms] == ["do_nothing | linear"]
    assert outcome.late == ("auto | auto: not finished within 1e-06 s",)


def test_a_class_that_no_model_of_its_fold_has_seen_is_scored_all_the_same(make_data, plan):
    data = make_data([40, 20, 6])
    folds = data.folds.copy()
    folds[0, data.codes == 2] = 0
    outcome = execute(plan, replace(data, folds=folds), DataFacts())
    found = outcome.arms[-1].predictions
    assert np.isfinite(found.proba).all()
    np.testing.assert_allclose(found.proba.sum(axis=2), 1)
    # What was never seen cannot be found.
    assert not (found.predicted[0][data.codes == 2] == 2).any()
