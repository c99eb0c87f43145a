"""The folder of a study: nothing in it is lost to a study that fails, and no study is passed off as another."""

from __future__ import annotations

import json

import pytest
from cli_tables import HEADER, QUICK, make_lines, write_csv


@pytest.fixture
def finished(steelyard, tmp_path):
    """A table and the folder of its finished study."""
    table = write_csv(tmp_path / "patients.csv", HEADER, make_lines())
    out = tmp_path / "out"
    assert steelyard("study", table, "--target", "diagnosis", *QUICK, "--out", out).code == 0
    return table, out


def everything(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_force_keeps_the_old_study_until_the_new_one_is_done(steelyard, finished, monkeypatch):
    table, out = finished
    before = everything(out)
    monkeypatch.setattr("steelyard.study.run.choose_winner", lambda *args: 1 / 0)
    found = steelyard("study", table, "--target", "diagnosis", *QUICK, "--out", out, "--force")
    assert found.code == 1
    assert everything(out) == before
    monkeypatch.undo()
    again = steelyard("study", table, "--target", "diagnosis", *QUICK, "--seed", "1", "--out", out, "--force")
    assert again.code == 0
    assert json.loads((out / "study.json").read_text())["seed"] == 1
    assert not (out / ".previous").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--metric", "f1"), "f1 is of one class among two"),
        (("--strategies", "cost(matrix=[[0, 1], [1, 0]])"), "3"),
        (("--strategies", "deploy_prior({common: 1})"), "deploy_prior"),
        (("--strategies", "manual({common: 1})"), "manual"),
    ],
)
def test_what_does_not_fit_the_classes_is_known_before_any_fit(steelyard, finished, wrong, said, monkeypatch):
    table, out = finished
    before = everything(out)
    monkeypatch.setattr("steelyard.study.cells.fit_many", lambda *args, **kwargs: pytest.fail("fitted"))
    arguments = [*QUICK[:2], "--folds", "3", "--jobs", "1", *wrong]
    found = steelyard("study", table, "--target", "diagnosis", *arguments, "--out", out, "--force")
    assert found.code == 2
    assert said in found.failure
    assert everything(out) == before


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (("--metric", "accuracy"), "--metric macro_f1, not accuracy"),
        (("--seed", "5"), "--seed 0, not 5"),
        (("--repeats", "2"), "--repeats 1, not 2"),
    ],
)
def test_resume_does_not_pass_off_another_study(steelyard, finished, other, named):
    table, out = finished
    found = steelyard("study", table, "--target", "diagnosis", *QUICK, *other, "--out", out, "--resume")
    assert found.code == 2
    assert named in found.failure
    same = steelyard("study", table, "--target", "diagnosis", *QUICK, "--out", out, "--resume")
    assert same.code == 0
    assert "already finished: nothing was run" in same.err


@pytest.mark.parametrize("other", [("--models", "linear", "--strategies", "sqrt"), ("--models", "forest")])
def test_resume_does_not_pass_off_other_arms(steelyard, finished, other):
    table, out = finished
    given = ("study", table, "--target", "diagnosis", "--folds", "3", "--jobs", "1", *other)
    found = steelyard(*given, "--out", out, "--resume")
    assert found.code == 2
    assert "a finished study of other arms (such as " in found.failure


def test_a_study_that_ran_out_of_time_goes_on(steelyard, tmp_path):
    table = write_csv(tmp_path / "patients.csv", HEADER, make_lines())
    given = ("study", table, "--target", "diagnosis", *QUICK, "--out", tmp_path / "out")
    short = steelyard(*given, "--time-limit", "0.000001")
    assert "arms were not finished within 1e-06 s and are left out" in short.err
    assert json.loads((tmp_path / "out" / "study.json").read_text())["complete"] is False
    assert steelyard(*given, "--resume").code == 0
    record = json.loads((tmp_path / "out" / "study.json").read_text())
    assert record["complete"] is True
    assert record["left_out"] == []
    assert len(record["arms"]) == 3


def test_what_a_kill_left_behind_is_cleared_away(steelyard, finished):
    table, out = finished
    (out / "study.json").unlink()
    (out / ".model.x1.old").mkdir()
    (out / ".study.json.x2.partial").write_text("half")
    assert steelyard("study", table, "--target", "diagnosis", *QUICK, "--out", out, "--resume").code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "ledger.sqlite",
        "model",
        "predictions.parquet",
        "report.html",
        "study.json",
    ]


def test_a_record_that_is_none_is_not_taken_for_a_finished_study(steelyard, finished):
    table, out = finished
    (out / "study.json").write_text("[1, 2]")
    found = steelyard("study", table, "--target", "diagnosis", *QUICK, "--out", out, "--resume")
    assert found.code == 0
    assert json.loads((out / "study.json").read_text())["arms"]


def test_an_error_names_the_row_of_the_file_where_unlabelled_rows_stand_before_it(steelyard, tmp_path):
    lines = [["1", ""], ["2", ""], ["inf", "a"], ["3", "b"], ["4", "a"], ["5", "b"]]
    table = write_csv(tmp_path / "t.csv", ["x", "y"], lines)
    found = steelyard("study", table, "--target", "y", "--folds", "2", "--out", tmp_path / "out")
    assert found.code == 1
    assert "column 'x', row 3" in found.failure


def test_a_class_whose_rows_are_all_in_one_fold_is_said(steelyard, tmp_path):
    lines = [[*line[:4], "9" if line[5] == "scarce" else line[4], line[5]] for line in make_lines()]
    table = write_csv(tmp_path / "t.csv", HEADER, lines)
    given = ("study", table, "--target", "diagnosis", *QUICK[:4], "--jobs", "1", "--fold-column", "part")
    found = steelyard(*given, "--out", tmp_path / "out")
    assert found.code == 0
    assert "no model that scores them has seen the class: scarce" in found.err


def test_train_takes_what_study_takes(steelyard, finished, tmp_path):
    table, _ = finished
    given = ("--target", "diagnosis", "--model", "linear", "--strategy", "multipliers", "--group", "patient")
    found = steelyard("train", table, *given, "--id", "part", "--jobs", "1", "--out", tmp_path / "model")
    assert found.code == 0
    assert (tmp_path / "model" / "steelyard.json").is_file()


def test_fits_that_are_done_outlive_a_failure_after_them(steelyard, tmp_path, monkeypatch):
    table, out = write_csv(tmp_path / "patients.csv", HEADER, make_lines()), tmp_path / "out"
    asked = ("study", table, "--target", "diagnosis", *QUICK, "--out", out)
    monkeypatch.setattr("steelyard.study.run.choose_winner", lambda *args: 1 / 0)
    assert steelyard(*asked).code == 1
    assert (out / "ledger.sqlite").exists()
    assert not (out / "study.json").exists()
    monkeypatch.undo()
    monkeypatch.setattr("steelyard.engine.run._fit_together", lambda *args, **kwargs: pytest.fail("fitted again"))
    assert steelyard(*asked, "--resume").code == 0
