"""``study --tune``: searching values from the command line."""

from __future__ import annotations

import json

import pytest
from cli_tables import HEADER, make_lines, write_csv

from steelyard.strategy import Strategy


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tuning") / "patients.csv", HEADER, make_lines((50, 18)))


@pytest.fixture
def asked(table):
    return ["study", table, "--target", "diagnosis", "--jobs", "1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tune", "gird"], "unknown way of tuning 'gird': did you mean 'grid'? known: grid, random, bayes"),
        (["--tune", "random", "--trials", "0"], "--trials must be a whole number of at least 1, not 0"),
        (["--tune", "random", "--patience", "0"], "--patience must be a whole number of at least 1, not 0"),
        (["--trials", "5"], "--trials 5 needs --tune grid, random or bayes"),
        (
            [],
            "linear.C is left open in do_nothing | linear(C=?): say how to search it with --tune grid, random or bayes",
        ),
        (["--tune", "grid", "--trials", "4"], "has a grid of 5 points, more than --trials 4"),
        (["--tune", "random", "--folds", "2"], "--tune needs at least 3 folds"),
        (["--tune", "random", "--models", "forest(min_samples_leaf=3)"], "--tune has nothing to search"),
    ],
)
def test_what_cannot_be_searched_is_one_line_and_leaves_nothing(steelyard, tmp_path, asked, options, message):
    models = [] if "--models" in options else ["--models", "linear(C=?)"]
    done = steelyard(*asked, *models, "--strategies", "inverse", *options, "--out", tmp_path / "out")
    assert done.code == 2
    assert message in done.failure
    assert not (tmp_path / "out").exists()


def test_without_optuna_the_extra_is_named(steelyard, tmp_path, asked, monkeypatch):
    monkeypatch.setattr("steelyard.study.tuning.methods.find_spec", lambda name: None)
    done = steelyard(*asked, "--tune", "bayes", "--out", tmp_path / "out")
    assert done.code == 1
    assert done.failure.endswith("--tune bayes needs the optional dependency search: pip install 'steelyard[search]'")


def test_training_with_an_open_value_is_refused(steelyard, tmp_path, table):
    asked = ["train", table, "--target", "diagnosis", "--strategy", "inverse", "--out", tmp_path / "out"]
    done = steelyard(*asked, "--model", "mlp(hidden=?)")
    assert done.code == 2
    assert "inverse | mlp(hidden=?) leaves values open: write some" in done.failure


def test_a_study_that_searches(steelyard, tmp_path, asked):
    out = tmp_path / "out"
    asked += [
        "--models",
        "linear(C=?)",
        "--folds",
        "3",
        "--strategies",
        "prior(tau=0|0.5)",
        "--tune",
        "grid",
        "--trials",
        "10",
        "--out",
        out,
    ]
    done = steelyard(*asked)
    assert done.code == 0
    assert "grid search in 2 arms: 8 searches" in done.err
    record = json.loads((out / "study.json").read_text())
    searched = next(arm for arm in record["arms"] if arm["id"] == record["winner"]["id"])["tuning"]
    assert f"Trained with the values found on all rows: {searched['strategy']} on {searched['model']}." in done.out
    assert {search["fold"] for search in searched["searches"]} == {0, 1, 2, None}
    manifest = json.loads((out / "model" / "steelyard.json").read_text())
    assert Strategy.from_dict(manifest["strategy"]) == Strategy.parse(record["winner"]["strategy"])
    assert (out / "tuning.sqlite").exists()
    again = steelyard(*asked, "--resume")
    assert again.code == 0
    assert "already finished" in again.err
    more = steelyard(*(20 if part == "10" else part for part in asked), "--resume")
    assert more.code == 2
    assert "holds a finished study with --trials 10, not 20" in more.failure
    predicted = steelyard("predict", out, asked[1])
    assert predicted.code == 0
