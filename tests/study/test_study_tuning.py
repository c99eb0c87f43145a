"""Searches see nothing of the rows they are judged on, and give the same again, killed or not."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.metrics import f1_score
from study_tuning_case import case, search

from steelyard.errors import UsageError
from steelyard.metrics import get_metric
from steelyard.models import parse_models
from steelyard.strategy import Strategy
from steelyard.study import Arm, DataFacts, StudyPlan, check_arms, execute, make_arms, predictions_frame, study_record
from steelyard.study.assess import ScoredRows
from steelyard.study.tuning import Trial, Tuning, arms_to_search, dimensions, filled, search_arms, started
from steelyard.study.tuning.inner import Inner, inner_data
from steelyard.study.tuning.methods import below_median, best_trial
from steelyard.study.tuning.record import tuning_record
from steelyard.study.tuning.run import Context, Search, run_search

METRIC = get_metric("macro_f1")


def arm_of(strategy: str, model: str = "linear") -> Arm:
    return Arm(Strategy.parse(strategy), parse_models(model)[0])


def plan_of(strategies, models, tuning, **options):
    arms, left_out = make_arms([Strategy.parse(text) for text in strategies], parse_models(models))
    return StudyPlan(arms_to_search(arms, tuning), METRIC, left_out, tuning=tuning, **options)


@pytest.fixture
def data(make_data):
    return make_data([60, 24, 12], signal=1.2)


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_a_search_sees_nothing_of_the_fold_it_is_judged_on(data, method):
    search = Search(arm_of("effective_number(beta=?) + prior(tau=?)", "linear(C=?)"), 0, 1)
    context = Context(data, METRIC, Tuning(method, trials=4), None, "")
    inside = data.folds[0] == 1
    rng = np.random.default_rng(0)
    codes, numeric = data.codes.copy(), data.matrix.numeric.copy()
    codes[inside] = rng.permutation(codes[inside])
    numeric[inside] = rng.normal(size=numeric[inside].shape)
    other = replace(context, data=replace(data, codes=codes, matrix=replace(data.matrix, numeric=numeric)))
    first, second = run_search(search, context), run_search(search, other)
    assert [t.values for t in first.trials] == [t.values for t in second.trials]
    assert [t.steps for t in first.trials] == [t.steps for t in second.trials]
    # Something else than the rest of the rows does change it.
    changed = replace(context, data=replace(data, codes=np.where(inside, data.codes, rng.permutation(data.codes))))
    assert [t.steps for t in run_search(search, changed).trials] != [t.steps for t in first.trials]


def test_rows_kept_together_outside_are_together_inside(data):
    rows = inner_data(data, 0, 2)
    kept = data.folds[0] != 2
    np.testing.assert_array_equal(rows.codes, data.codes[kept])
    np.testing.assert_array_equal(np.unique(data.folds[0][kept], return_inverse=True)[1], rows.folds[0])


def test_a_trial_scores_as_scikit_learn_scores_the_inner_predictions(data):
    rows = inner_data(data, 0, 0)
    trial = Inner(arm_of("prior(tau=?)"), rows, METRIC).trial({"prior.tau": 0.5}, lambda step, value: False)
    fixed = StudyPlan((arm_of("do_nothing"), arm_of("prior(tau=0.5)")), METRIC)
    frame = predictions_frame(execute(fixed, rows, DataFacts()))
    frame = frame.filter(frame["arm"] == "prior(tau=0.5) | linear")
    assert trial.steps[-1] == pytest.approx(f1_score(frame["label"], frame["prediction"], average="macro"), abs=1e-12)
    first = frame.filter(frame["fold"] == 0)
    assert trial.steps[0] == pytest.approx(f1_score(first["label"], first["prediction"], average="macro"), abs=1e-12)


def test_with_one_value_to_choose_it_is_the_arm_of_that_value(data):
    outcome = execute(plan_of(["prior(tau=0.7|0.7)", "prior(tau=0.7)"], "linear", Tuning("grid")), data, DataFacts())
    searched, fixed = outcome.arms[1], outcome.arms[2]
    np.testing.assert_allclose(searched.predictions.proba, fixed.predictions.proba, atol=0)
    np.testing.assert_array_equal(searched.predictions.predicted, fixed.predictions.predicted)
    assert searched.final == fixed.arm
    assert searched.arm.id == "prior(tau=0.7|0.7) | linear"


def test_the_weight_of_a_class_is_searched(data):
    arm = arm_of("inverse(boost={b: 1|4, c: 2})")
    (dimension,) = dimensions(arm)
    assert (dimension.name, dimension.start) == ("inverse.boost.b", 1)
    assert filled(arm, {"inverse.boost.b": 4}) == arm_of("inverse(boost={b: 4, c: 2})")
    found = run_search(Search(arm, 0, 0), Context(data, METRIC, Tuning("grid"), None, ""))
    assert sorted(trial.values["inverse.boost.b"] for trial in found.trials) == [1, 4]


def test_a_grid_takes_the_best_of_all_its_points(data):
    context = Context(data, METRIC, Tuning("grid"), None, "")
    found = run_search(Search(arm_of("prior(tau=0|0.5|1|2)", "linear(C=0.1|10)"), 0, 0), context)
    assert len({tuple(t.values.items()) for t in found.trials}) == 8
    assert found.best.steps[-1] == max(t.steps[-1] for t in found.trials if not t.pruned)


def test_the_result_does_not_depend_on_how_many_searches_run_at_once(data):
    arms, tuning = [arm_of("prior(tau=?)", "linear(C=?)")], Tuning("random", trials=3)
    one = search_arms(arms, data, METRIC, tuning)[arms[0]]
    # Threads come and go as processes do, and start at once.
    with joblib.parallel_config("threading"):
        many = search_arms(arms, data, METRIC, tuning, n_jobs=3)[arms[0]]
    assert tuning_record(one, 1.0) | {"searches": 0} == tuning_record(many, 1.0) | {"searches": 0}
    scored = ScoredRows.of(data)
    np.testing.assert_array_equal(one.scores(scored, 3), many.scores(scored, 3))
    assert [[t.steps for t in found.trials] for found in one.folds] == [
        [t.steps for t in found.trials] for found in many.folds
    ]


def test_several_labels_a_row_are_searched_as_well(make_data):
    data = make_data([40, 30, 20])
    labels = np.column_stack([data.codes == 0, data.codes > 0]).astype(float)
    data = replace(data, codes=labels, classes=("a", "b"))
    arms, _ = make_arms([Strategy.parse("pos_weight(power=?) + threshold")], parse_models("linear"), multilabel=True)
    plan = check_arms(StudyPlan(arms, METRIC, tuning=Tuning("random", trials=3)), data)
    searched = study_record(execute(plan, data, DataFacts()))["arms"][1]["tuning"]
    assert 0 <= searched["values"]["pos_weight.power"] <= 1
    assert [len(search["trials"]) for search in searched["searches"]] == [3] * 5


KILLED = """
import sys
sys.path[:0] = {paths!r}
from study_tuning_case import search
search(sys.argv[1], sys.argv[2])
"""


def found_by(tuned):
    """All that a search decides, without times."""
    record = tuning_record(tuned, 1.0)
    for each in record["searches"]:
        each.pop("seconds")
    return record


def test_a_killed_search_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    code = KILLED.format(paths=[str(Path(__file__).parent)])
    path, trials = tmp_path / "ledger.sqlite", tmp_path / "tuning.sqlite"
    process = subprocess.Popen([sys.executable, "-c", code, "bayes", str(path)], env=dict(os.environ))
    try:
        deadline = time.monotonic() + 120
        while _count(trials, "trials") < 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert _count(trials, "trials") >= 3
    resumed, whole = search("bayes", path), search("bayes")
    assert found_by(resumed) == found_by(whole)
    scored = ScoredRows.of(case("bayes")[1])
    np.testing.assert_array_equal(resumed.scores(scored, 2), whole.scores(scored, 2))
    with sqlite3.connect(path) as db:
        cells = db.execute("SELECT arm, fold FROM cells ORDER BY fold").fetchall()
    db.close()
    assert cells == [("do_nothing | linear(C=?)", fold) for fold in range(3)]
    # What was tried before the kill was not tried again; the trial under way was, and is there twice.
    done = sum(len(found.trials) for found in (*resumed.folds, resumed.whole))
    assert done <= _count(trials, "trials") <= done + 1
    optuna_reads(trials, resumed.whole.best.steps[-1])


def optuna_reads(path, best):
    import optuna

    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    names = optuna.get_all_study_names(storage)
    assert len(names) == 4
    whole = next(name for name in names if "all rows" in name)
    assert optuna.load_study(study_name=whole, storage=storage).best_value == best
    storage.remove_session()
    storage.engine.dispose()


def test_a_stopped_random_search_does_not_try_again_what_it_tried(tmp_path, monkeypatch):
    whole, path = search("random"), tmp_path / "ledger.sqlite"
    tried, real = [], Inner.trial

    def stopping(self, values, stop, first=False):
        if len(tried) == 6:
            raise KeyboardInterrupt
        tried.append(values)
        return real(self, values, stop, first)

    monkeypatch.setattr(Inner, "trial", stopping)
    with pytest.raises(KeyboardInterrupt):
        search("random", path)
    monkeypatch.setattr(Inner, "trial", lambda *given, **named: tried.append(given[1]) or real(*given, **named))
    assert found_by(search("random", path)) == found_by(whole)
    assert len(tried) == _count(tmp_path / "tuning.sqlite", "listed_trials")
    assert len(tried) == sum(len(found.trials) for found in (*whole.folds, whole.whole))


def _count(path, table):
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        finally:
            db.close()
    except sqlite3.OperationalError:
        return 0


def test_when_time_runs_out_doing_nothing_is_there_and_the_rest_is_said(data):
    plan = plan_of(["prior(tau=?)"], "linear(C=?)", Tuning("random", trials=10_000), time_limit=0.001)
    outcome = execute(plan, data, DataFacts())
    assert [arm.arm.id for arm in outcome.arms] == ["do_nothing | linear(C=?)"]
    assert all(len(found.trials) == 1 for found in outcome.arms[0].tuned.folds)
    assert outcome.late == ("prior(tau=?) | linear(C=?): not finished within 0.001 s",)


def tried(*steps, pruned=False):
    return Trial({}, steps, pruned)


def test_a_search_ends_when_nothing_better_comes():
    better = [tried(0.1), tried(0.5), tried(0.4), tried(0.5), tried(0.2, pruned=True)]
    assert best_trial(better) is better[1]
    assert not Tuning("random", patience=4).is_over(better)
    assert Tuning("random", patience=3).is_over(better)
    assert not Tuning("grid", patience=3).is_over(better)
    assert Tuning("grid", trials=5).is_over(better)


def test_a_trial_is_given_up_below_the_median_of_the_finished_ones():
    finished = [tried(value, 0.5) for value in (0.1, 0.2, 0.3, 0.4, 0.5)]
    assert below_median(finished, 0, 0.29)
    assert not below_median(finished, 0, 0.3)
    assert not below_median(finished[1:], 0, 0.0)
    assert not below_median([*finished[1:], tried(0.9, pruned=True)], 0, 0.0)


def test_where_nothing_is_marked_everything_at_its_default_is_searched():
    arms, _ = make_arms([Strategy.parse("focal(gamma=2)")], parse_models("mlp(hidden=16), lda"))
    found = arms_to_search(arms, Tuning())
    assert [arm.id for arm in found] == [
        "do_nothing | mlp(hidden=16)",
        "do_nothing | lda",
        "do_nothing | mlp(hidden=16, dropout=?, weight_decay=?, learning_rate=?)",
        "focal(gamma=?) | mlp(hidden=16, dropout=?, weight_decay=?, learning_rate=?)",
        "do_nothing | lda(shrinkage=?)",
    ]
    assert started(found[3]).id == "focal(gamma=2) | mlp(hidden=16)"
    assert [each.name for each in dimensions(found[4])] == ["lda.shrinkage"]


def test_what_cannot_be_searched_is_said(data):
    bare, _ = make_arms([Strategy.parse("inverse")], parse_models("forest(min_samples_leaf=2)"))
    with pytest.raises(UsageError, match="nothing to search"):
        arms_to_search(bare, Tuning())
    arms, _ = make_arms([Strategy.parse("focal(gamma=?)")], parse_models("mlp(hidden=?)"))
    with pytest.raises(UsageError, match="grid of 20 points, more than --trials 10"):
        arms_to_search(arms, Tuning("grid", trials=10))
    two = replace(data, folds=data.folds % 2)
    plan = plan_of(["prior(tau=?)"], "linear", Tuning())
    with pytest.raises(UsageError, match="--tune needs at least 3 folds"):
        check_arms(plan, two)
    with pytest.raises(UsageError, match="leaves values open: write some"):
        check_arms(replace(plan, tuning=None), data)
