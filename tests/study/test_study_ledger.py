"""What has been finished survives, and is never mixed with another study."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from steelyard.errors import ArtifactError
from steelyard.metrics import get_metric
from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study import DataFacts, StudyPlan, execute, make_arms, predictions_frame, study_record
from steelyard.study import cells as cells_module
from steelyard.study.ledger import Ledger


@pytest.fixture
def plan():
    strategies = [Strategy.parse(text) for text in ("inverse", "inverse + multipliers")]
    arms, _ = make_arms(strategies, [parse_model("linear")])
    return StudyPlan(arms, get_metric("macro_f1"))


def without_times(record):
    arms = [{key: value for key, value in arm.items() if key != "seconds"} for arm in record["arms"]]
    return {**record, "arms": arms, "created": None}


class Stopped(BaseException):
    """Stands for a kill in mid-study."""


def test_a_stopped_study_goes_on_and_ends_as_if_it_had_not_been(tmp_path, make_data, plan, monkeypatch):
    data = make_data([60, 20, 8], repeats=2)
    whole = execute(plan, data, DataFacts())
    path = tmp_path / "ledger.sqlite"

    def stop(done, total, what):
        if done >= 10:
            raise Stopped

    with pytest.raises(Stopped):
        execute(plan, data, DataFacts(), ledger=path, progress=stop)
    fitted = []
    fit_many = cells_module.fit_many

    def counted(plans, *arguments, **options):
        fitted.extend(plans)
        return fit_many(plans, *arguments, **options)

    monkeypatch.setattr(cells_module, "fit_many", counted)
    resumed = execute(plan, data, DataFacts(), ledger=path)
    # Two trainings, four folds, two repeats; those that were finished are not trained again.
    assert 0 < len(fitted) < 16 - 5
    assert without_times(study_record(resumed)) == without_times(study_record(whole))
    assert predictions_frame(resumed).equals(predictions_frame(whole))


def test_a_row_for_each_cell(tmp_path, make_data, plan):
    path = tmp_path / "ledger.sqlite"
    execute(plan, make_data([60, 20, 8], repeats=2), DataFacts(), ledger=path)
    with sqlite3.connect(path) as db:
        cells = db.execute("SELECT arm, fold, repeat FROM cells").fetchall()
    db.close()
    assert sorted(cells) == sorted(
        (arm.id, fold, repeat) for arm in plan.arms for fold in range(4) for repeat in range(2)
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.sqlite"]


@pytest.mark.parametrize("change", ["seed", "row", "label", "fold", "class name"])
def test_a_ledger_of_another_study_is_refused(tmp_path, make_data, change):
    data = make_data([30, 10])
    path = tmp_path / "ledger.sqlite"
    Ledger(path, data).close()
    other = {
        "seed": lambda: replace(data, seed=1),
        "row": lambda: replace(data, matrix=replace(data.matrix, numeric=data.matrix.numeric + 1e-9)),
        "label": lambda: replace(data, codes=data.codes[::-1]),
        "fold": lambda: replace(data, folds=data.folds[:, ::-1]),
        "class name": lambda: replace(data, classes=("a", "z")),
    }[change]()
    with pytest.raises(ArtifactError, match="belongs to a study of other rows, folds, seed or library versions"):
        Ledger(path, other)
    Ledger(path, data).close()


@pytest.mark.parametrize("content", [b"not a database", b"SQLite format 3\0" + b"\xff" * 200, b""])
def test_a_file_that_is_no_ledger(tmp_path, make_data, content):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    data = make_data([30, 10])
    if not content:
        Ledger(path, data).close()
        return
    with pytest.raises(ArtifactError, match="is not a ledger of a study"):
        Ledger(path, data)
    assert path.read_bytes() == content


def test_scores_come_back_as_they_were(tmp_path, make_data, plan):
    from steelyard.engine import FitOutcome, FitPlan

    data = make_data([30, 10])
    proba = np.random.default_rng(0).dirichlet([1, 1], size=10).astype(np.float32)
    wanted = FitPlan(plan.arms[0].training, 0, 2)
    with Ledger(tmp_path / "ledger.sqlite", data) as ledger:
        assert ledger.lookup(wanted) is None
        ledger.record(FitOutcome(wanted, proba, 1.5), [plan.arms[0]])
        assert ledger.lookup(FitPlan(plan.arms[1].training, 0, 2)) is None
    with Ledger(tmp_path / "ledger.sqlite", data) as ledger:
        found = ledger.lookup(wanted)
    assert np.array_equal(found.proba, proba)
    assert (found.seconds, found.plan) == (1.5, wanted)


def test_a_full_disk_is_no_damage_and_keeps_what_is_finished(tmp_path, make_data, plan):
    from steelyard.engine import FitOutcome, FitPlan

    data = make_data([30, 10])
    proba = np.full((10, 2), 0.5, dtype=np.float32)
    path = tmp_path / "ledger.sqlite"
    with Ledger(path, data) as ledger:
        ledger.record(FitOutcome(FitPlan(plan.arms[0].training, 0, 0), proba, 1.0), [plan.arms[0]])
        # SQLite's own way of being full.
        pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        huge = np.full((100_000, 2), 0.5, dtype=np.float32)
        with pytest.raises(OSError, match=r"cannot be written: .*full; mend it and go on with --resume"):
            ledger.record(FitOutcome(FitPlan(plan.arms[0].training, 0, 1), huge, 1.0), [plan.arms[0]])
    with Ledger(path, data) as ledger:
        assert ledger.lookup(FitPlan(plan.arms[0].training, 0, 0)) is not None
        assert ledger.lookup(FitPlan(plan.arms[0].training, 0, 1)) is None


def test_a_place_that_cannot_be_written(tmp_path, make_data):
    with pytest.raises(OSError, match="cannot be written"):
        Ledger(tmp_path / "nowhere" / "ledger.sqlite", make_data([30, 10]))
