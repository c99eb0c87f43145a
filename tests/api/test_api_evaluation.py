"""Rows set apart: judged by models that never saw them, and leaks are counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

import steelyard as sy
from steelyard.api.evaluation import set_apart
from steelyard.api.prepare import RawTable
from steelyard.cli.main import main
from steelyard.errors import DataError, UsageError


def rows(n: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.2, "rare", "common")
    X = rng.normal(size=(n, 3)) + 1.2 * (y == "rare")[:, None]
    return pl.DataFrame(X, schema=["a", "b", "c"]), y


@pytest.fixture(scope="module")
def result() -> sy.StudyResult:
    return sy.run_study(*rows(400, 0), models="linear", strategies="inverse", metric="balanced_accuracy", folds=3)


def test_scores_are_scikit_learns_on_what_the_trained_model_predicts(result: sy.StudyResult) -> None:
    X, y = rows(300, 1)
    found = result.evaluate(X, y)
    predicted = result.fit().predict(X)
    assert found["rows"] == 300
    assert found["seen_rows"] == 0
    assert found["winner"]["score"] == pytest.approx(balanced_accuracy_score(y, predicted))
    assert found["winner"]["metrics"]["macro_f1"] == pytest.approx(f1_score(y, predicted, average="macro"))
    assert found["delta"] == pytest.approx(found["winner"]["score"] - found["baseline"]["score"])
    assert found["delta_ci"][0] < found["delta"] < found["delta_ci"][1]
    assert "test" not in result.record


def test_rows_the_study_had_are_counted(result: sy.StudyResult) -> None:
    X, y = rows(400, 0)
    assert result.evaluate(X.head(30), y[:30])["seen_rows"] == 30


def test_rows_without_a_label_are_left_out_and_an_unknown_label_is_named(result: sy.StudyResult) -> None:
    X, _ = rows(4, 2)
    assert result.evaluate(X, ["rare", None, "common", None])["rows"] == 2
    with pytest.raises(DataError, match="holds the label 'odd', which is no class"):
        result.evaluate(X, ["rare", "odd", "common", "common"])
    with pytest.raises(DataError, match="holds no label"):
        result.evaluate(X, [None] * 4)


def test_a_holdout_is_balanced_and_takes_rows_that_nobody_shares_first() -> None:
    X, y = rows(60, 3)
    doubled = RawTable(pl.concat([X, X.head(40)]), np.concatenate([y, y[:40]]))
    studied, apart = set_apart(doubled, 3, seed=0)
    assert sorted(apart.labels) == ["common"] * 3 + ["rare"] * 3
    assert studied.features.height + apart.features.height == 100
    unique = X.tail(20)
    shared = apart.features.join(unique, on=["a", "b", "c"], how="anti").height
    assert shared == max(0, 3 - int((y[40:] == "rare").sum()))


def test_a_holdout_that_would_empty_a_class_or_tear_groups_is_refused() -> None:
    X, y = rows(60, 3)
    with pytest.raises(DataError, match="class 'rare' has"):
        set_apart(RawTable(X, y), 12, seed=0)
    with pytest.raises(UsageError, match="cannot be used with --group"):
        set_apart(RawTable(X, y, groups=list(range(60))), 1, seed=0)


def test_the_command_line_judges_both_and_the_report_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("train", 4), ("test", 5)):
        X, y = rows(200, seed)
        X.with_columns(pl.Series("y", y)).write_csv(tmp_path / f"{name}.csv")
    arguments = ["study", str(tmp_path / "train.csv"), "--target", "y", "--models", "linear", "--strategies", "inverse"]
    arguments += ["--folds", "3", "--jobs", "1", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--test", str(tmp_path / "test.csv"), "--holdout", "balanced:5"]) == 0
    printed = capsys.readouterr().out
    assert "On the rows set apart: macro_f1" in printed
    assert "On the test table: macro_f1" in printed
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "On rows set apart before the study (10)" in page
    assert "On a test table of other rows (200)" in page


@pytest.mark.parametrize("text", ["balanced", "balanced:0", "random:5", "balanced:x"])
def test_a_holdout_that_cannot_be_read_is_a_usage_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "any.csv", "--target", "y", "--holdout", text]) == 2
    assert "write balanced:N" in capsys.readouterr().err
