"""Commands that work: what is on stdout, what is on disk, and going on with what was begun."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from cli_tables import HEADER, make_lines, write_csv

import steelyard as sy

FILES = ["ledger.sqlite", "model", "predictions.parquet", "report.html", "study.json"]


def steady(record):
    """A record without times, and without what the command line alone decides."""
    arms = [{key: value for key, value in arm.items() if key != "seconds"} for arm in record["arms"]]
    return {key: value for key, value in record.items() if key not in ("created", "command", "arms")} | {"arms": arms}


def read(out):
    return json.loads((out / "study.json").read_text(encoding="utf-8"))


@pytest.fixture
def study(steelyard, quick, table, tmp_path):
    """Run a study of the table, with changes."""

    def run(*options, data=table, out=tmp_path / "out", target="diagnosis"):
        return steelyard("study", data, "--target", target, *quick, "--out", out, *options)

    return run


def test_a_study_writes_its_files_and_says_the_verdict(study, tmp_path, real_report):
    found = study()
    assert found.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    record = read(tmp_path / "out")
    assert record["verdict"]["text"] in found.out
    assert str(tmp_path / "out" / "report.html") in found.out
    assert found.err.splitlines()[0] == "steelyard: patients.csv: 88 rows, multiclass, 3 classes, 3 arms"
    assert all(line.startswith("steelyard: ") for line in found.err.splitlines())
    assert record["data"]["target"] == "diagnosis"
    assert "\x1b" not in found.out + found.err


def test_json_is_one_document_on_stdout(study, tmp_path):
    found = study("--json")
    assert json.loads(found.out) == read(tmp_path / "out")


def test_a_folder_that_exists_is_kept_unless_forced_and_resume_reads_it(study, tmp_path):
    first = study("--json")
    again = study()
    assert (again.code, again.out) == (2, "")
    assert "holds a study already; use --resume, --force or another folder" in again.failure
    resumed = study("--resume", "--json")
    assert resumed.code == 0
    assert json.loads(resumed.out) == json.loads(first.out)
    forced = study("--force", "--json", "--seed", "5")
    assert forced.code == 0
    assert json.loads(forced.out)["seed"] == 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_resume_on_a_missing_and_on_an_empty_folder_starts(study, tmp_path):
    (tmp_path / "empty").mkdir()
    assert study("--resume").code == 0
    assert study(out=tmp_path / "empty").code == 0
    assert steady(read(tmp_path / "empty")) == steady(read(tmp_path / "out"))


def test_a_study_whose_last_file_is_missing_is_finished_without_training(study, tmp_path):
    study()
    before = read(tmp_path / "out")
    (tmp_path / "out" / "study.json").unlink()
    (tmp_path / "out" / "predictions.parquet").write_bytes(b"half")
    assert study("--resume").code == 0
    after = read(tmp_path / "out")
    # Times are those of the first run: nothing was trained again, only judged.
    assert steady(after) == steady(before)
    assert pl.read_parquet(tmp_path / "out" / "predictions.parquet").height > 0


def test_resume_with_other_rows_is_refused(study, tmp_path):
    study()
    (tmp_path / "out" / "study.json").unlink()
    other = write_csv(tmp_path / "data" / "patients.csv", HEADER, make_lines(seed=1))
    found = study("--resume", data=other)
    assert found.code == 1
    assert "belongs to a study of other rows, folds, seed or library versions" in found.failure
    assert (tmp_path / "out" / "ledger.sqlite").is_file()


def test_the_same_command_gives_the_same_study_whatever_the_jobs(steelyard, quick, table, tmp_path):
    for jobs in ("1", "2"):
        given = ("study", table, "--target", "diagnosis", *quick[:-2], "--repeats", "2", "--jobs", jobs)
        assert steelyard(*given, "--out", tmp_path / jobs).code == 0
    assert steady(read(tmp_path / "1")) == steady(read(tmp_path / "2"))
    first, second = (pl.read_parquet(tmp_path / jobs / "predictions.parquet") for jobs in ("1", "2"))
    assert first.equals(second)


def test_ids_groups_and_fold_columns(study, table, tmp_path):
    lines = list(csv.DictReader(io.StringIO(table.read_text())))
    assert study("--id", "patient", "--fold-column", "part", out=tmp_path / "folds").code == 0
    found = pl.read_parquet(tmp_path / "folds" / "predictions.parquet")
    assert found.columns[:2] == ["row", "id"]
    assert found["id"].to_list() == [lines[row]["patient"] for row in found["row"]]
    assert found["fold"].to_list() == [int(lines[row]["part"]) for row in found["row"]]
    assert study("--group", "patient", out=tmp_path / "groups").code == 0
    found = pl.read_parquet(tmp_path / "groups" / "predictions.parquet")
    patients = pl.Series([lines[row]["patient"] for row in found["row"]])
    spread = found.with_columns(patients.alias("patient")).group_by("patient").agg(pl.col("fold").n_unique())
    assert spread["fold"].max() == 1


@pytest.mark.parametrize("choice", ["keep", "group"])
def test_duplicates(study, tmp_path, choice):
    lines = [line for line in make_lines() for _ in range(2)]
    doubled = write_csv(tmp_path / "doubled.csv", HEADER, lines)
    found = study("--duplicates", choice, "--id", "patient", "--json", data=doubled)
    (warning,) = [text for text in json.loads(found.out)["data"]["warnings"] if "repeat the features" in text]
    assert ("kept in one fold" in warning) == (choice == "group")
    assert warning in found.err
    folds = pl.read_parquet(tmp_path / "out" / "predictions.parquet").filter(pl.col("arm") == "do_nothing | linear")
    pairs = folds.group_by(pl.col("row") // 2).agg(pl.col("fold").n_unique())
    assert (pairs["fold"].max() == 1) == (choice == "group")


def test_repeats(study, tmp_path):
    assert study("--repeats", "2").code == 0
    record = read(tmp_path / "out")
    found = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert (record["repeats"], sorted(found["repeat"].unique())) == (2, [0, 1])
    assert found.height == 2 * 3 * 88


@pytest.mark.parametrize("suffix", [".tsv", ".parquet", ".jsonl"])
def test_other_kinds_of_files_give_the_same_study(study, table, tmp_path, suffix):
    frame = pl.read_csv(table, infer_schema=False)
    path = tmp_path / f"patients{suffix}"
    {
        ".tsv": lambda: frame.write_csv(path, separator="\t"),
        ".parquet": lambda: frame.write_parquet(path),
        ".jsonl": lambda: frame.write_ndjson(path),
    }[suffix]()
    scores = [
        [arm["score"] for arm in json.loads(study("--json", data=data, out=tmp_path / data.suffix[1:]).out)["arms"]]
        for data in (table, path)
    ]
    assert scores[0] == scores[1]


NAMES = ["<script>alert(1)</script>", "😀", 'a,"b"', " ", "p:x", "None", "007"]


def test_class_names_and_columns_of_every_kind(steelyard, quick, tmp_path, real_report):
    rng = np.random.default_rng(0)
    labels = [NAMES[i % len(NAMES)] for i in range(12 * len(NAMES))]
    header = ["prediction", "row", "p:x", "arm", "<b>", "größe", "label"]
    lines = [
        [f"{rng.normal() + NAMES.index(label):.3f}", *(f"{v:.3f}" for v in rng.normal(size=5)), label]
        for label in labels
    ]
    path = write_csv(tmp_path / "odd, names.csv", header, lines)
    found = steelyard("study", path, "--target", "label", *quick, "--out", tmp_path / "out")
    assert found.code == 0
    record = read(tmp_path / "out")
    assert [entry["name"] for entry in record["data"]["classes"]] == sorted(NAMES)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for options in (["--id", "row"], ["--id", "prediction"], ["--id", "p:x", "--proba"]):
        out = steelyard("predict", tmp_path / "out", path, *options)
        assert out.code == 0
        rows = list(csv.reader(io.StringIO(out.out)))
        assert len(rows) == len(labels) + 1
        assert len(set(rows[0])) == len(rows[0])
    told = steelyard("predict", tmp_path / "out", path, "--json")
    assert {row["prediction"] for row in json.loads(told.out)} <= set(NAMES)


class TestPredict:
    """Labels for new rows."""

    def test_the_output_is_a_table_on_stdout(self, steelyard, finished):
        out = steelyard("predict", finished / "study", finished / "patients.csv", "--proba", "--id", "patient")
        rows = list(csv.DictReader(io.StringIO(out.out)))
        assert list(rows[0]) == ["row", "patient", "prediction", "p:common", "p:rare", "p:scarce"]
        assert [int(row["row"]) for row in rows] == list(range(88))
        assert out.err == ""
        frame = pl.read_csv(finished / "patients.csv", infer_schema=False)
        assert [row["prediction"] for row in rows] == sy.load(finished / "study").predict(frame).tolist()

    def test_columns_reordered_extra_and_unseen(self, steelyard, finished, tmp_path):
        frame = pl.read_csv(finished / "patients.csv", infer_schema=False)
        wanted = steelyard("predict", finished / "study", finished / "patients.csv").out
        other = frame.select(pl.lit("x").alias("more"), *reversed(frame.columns[:3]))
        other.write_csv(tmp_path / "new.csv")
        assert steelyard("predict", finished / "study" / "model", tmp_path / "new.csv").out == wanted
        other.with_columns(pl.lit("X").alias("sex")).write_csv(tmp_path / "unseen.csv")
        assert steelyard("predict", finished / "study", tmp_path / "unseen.csv").code == 0

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
    def test_output_files(self, steelyard, finished, tmp_path, suffix):
        path = tmp_path / "deep" / f"out{suffix}"
        found = steelyard("predict", finished / "study", finished / "patients.csv", "--output", path)
        assert (found.code, found.out) == (0, "")
        readers = {
            ".csv": pl.read_csv,
            ".tsv": lambda p: pl.read_csv(p, separator="\t"),
            ".jsonl": pl.read_ndjson,
            ".parquet": pl.read_parquet,
        }
        assert readers[suffix](path).shape == (88, 2)
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]
        again = steelyard("predict", finished / "study", finished / "patients.csv", "--output", path, "--force")
        assert again.code == 0


def test_train_and_predict(steelyard, table, tmp_path):
    options = ("--strategy", "inverse + multipliers", "--model", "linear", "--folds", "3", "--out", tmp_path / "model")
    found = steelyard("train", table, "--target", "diagnosis", *options)
    assert (found.code, found.out) == (0, f"{tmp_path / 'model'}\n")
    assert str(sy.load(tmp_path / "model")) == "inverse + multipliers | linear"
    assert steelyard("predict", tmp_path / "model", table).out.count("\n") == 89
    refused = steelyard("train", table, "--target", "diagnosis", *options)
    assert (refused.code, "is there already" in refused.failure) == (2, True)
    assert steelyard("train", table, "--target", "diagnosis", *options, "--force").code == 0


def command(table, out, *options):
    strategies = "do_nothing; inverse; sqrt; balanced; log; median_frequency"
    given = [
        "--models",
        "linear, forest(n_estimators=20)",
        "--strategies",
        strategies,
        "--folds",
        "3",
        "--repeats",
        "2",
    ]
    return [
        sys.executable,
        "-m",
        "steelyard",
        "study",
        str(table),
        "--target",
        "diagnosis",
        *given,
        "--out",
        str(out),
        "--jobs",
        "1",
        *options,
    ]


def ledger_rows(out):
    import contextlib
    import sqlite3

    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{out / 'ledger.sqlite'}?mode=ro", uri=True)) as db,
    ):
        return db.execute("SELECT count(*) FROM fits").fetchone()[0]
    return 0


def stop(process, out, how, least=8):
    """Send a signal once some cells are in the ledger."""
    deadline = time.monotonic() + 300
    while ledger_rows(out) < least:
        assert process.poll() is None, "ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(how)
    return process.communicate(timeout=300)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_study_goes_on_where_it_was(steelyard, table, tmp_path, plain_environment):
    out = tmp_path / "killed"
    process = subprocess.Popen(
        command(table, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=plain_environment
    )
    stop(process, out, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (out / "study.json").exists()
    kept = ledger_rows(out)
    assert 8 <= kept < 72
    # Without --resume what is there is not touched.
    refused = steelyard(*command(table, out)[3:])
    assert (refused.code, ledger_rows(out)) == (2, kept)
    assert steelyard(*command(table, out, "--resume")[3:]).code == 0
    assert steelyard(*command(table, tmp_path / "whole")[3:]).code == 0
    assert steady(read(out)) == steady(read(tmp_path / "whole"))
    first, second = (pl.read_parquet(folder / "predictions.parquet") for folder in (out, tmp_path / "whole"))
    assert first.equals(second)
    assert sorted(path.name for path in out.iterdir()) == FILES


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_study_says_how_to_go_on(table, tmp_path, plain_environment):
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(table, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=plain_environment
    )
    printed, told = stop(process, out, signal.SIGINT)
    assert process.returncode == 130
    assert printed == b""
    lines = told.decode().splitlines()
    assert lines[-1] == "steelyard: interrupted"
    assert "--resume goes on" in lines[-2]
    assert "Traceback" not in told.decode()
    assert ledger_rows(out) >= 8


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_is_printed_is_utf_8_whatever_the_locale(steelyard, tmp_path, plain_environment, encoding):
    lines = [[*line[:-1], {"common": "😀", "rare": "é", "scarce": "x"}[line[-1]]] for line in make_lines()]
    path = write_csv(tmp_path / "t.csv", HEADER, lines)
    options = ("--target", "diagnosis", "--model", "linear", "--folds", "3", "--out", tmp_path / "model")
    assert steelyard("train", path, *options).code == 0
    given = [sys.executable, "-m", "steelyard", "predict", str(tmp_path / "model"), str(path)]
    environment = plain_environment | {"PYTHONIOENCODING": encoding}
    found = subprocess.run(given, capture_output=True, env=environment, check=False)
    assert (found.returncode, found.stderr) == (0, b"")
    assert "😀" in found.stdout.decode("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="shell")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('"$0" -m steelyard predict "$1" "$2" | head -n 1', 0),
        ('"$0" -m steelyard predict "$1" "$2" >&-', 0),
        ('"$0" -m steelyard predict "$1" "$2" 2>&- | cat >/dev/null', 0),
        ('"$0" -m steelyard predict "$1" "$2" >/dev/full', 1),
        ('env -i "$0" -m steelyard predict "$1" "$2" >/dev/null', 0),
        ('env -i LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 "$0" -m steelyard predict "$1" "$2" >/dev/null', 0),
    ],
    ids=["head", "no stdout", "no stderr", "full", "empty environment", "ascii"],
)
def test_streams_that_end_early(finished, line, code):
    arguments = [sys.executable, str(finished / "study"), str(finished / "patients.csv")]
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line, *arguments], capture_output=True, text=True, check=False
    )
    assert (found.returncode, "Traceback" in found.stderr, "Exception ignored" in found.stderr) == (code, False, False)
    assert len(found.stderr.splitlines()) == (1 if code else 0)
