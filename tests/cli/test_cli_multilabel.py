"""Several labels a row from the command line: every number again by scikit-learn, predictions, and bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cli_tables import write_csv
from sklearn import metrics as theirs

from steelyard.cli.main import main

FLARE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "tabular" / "flare.csv"
QUICK = ("--models", "linear(max_iter=40)", "--folds", "3", "--jobs", "1")
LABELS = ["a", "b", "c"]


def make_columns(n=160, seed=0, unknown=0.08):
    """Header and lines of a table with a column for each label; some entries are empty."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    Y = (X @ rng.normal(size=(3, 3)) + rng.normal(size=(n, 3)) > [0.0, 0.8, 2.4]).astype(int)
    texts = np.where(rng.random(Y.shape) < unknown, "", Y.astype(str))
    return ["x", "y", "z", *LABELS], [[*(f"{v:.4f}" for v in x), *t] for x, t in zip(X, texts, strict=True)]


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("columns") / "table.csv", *make_columns())


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """The same rows, all known, with one column that names the labels."""
    header, lines = make_columns(unknown=0.0)
    texts = ["|".join(name for name, t in zip(LABELS, line[3:], strict=True) if t == "1") or "|" for line in lines]
    rows = [[*line[:3], text] for line, text in zip(lines, texts, strict=True)]
    return write_csv(tmp_path_factory.mktemp("joined") / "table.csv", [*header[:3], "tags"], rows)


@pytest.fixture(scope="module")
def flare(tmp_path_factory):
    """Solar flares within a day, of three strengths: a real table with rare labels (the strongest has 5 rows)."""
    if not FLARE.is_file():
        pytest.skip("flare.csv is not here")
    table = pl.read_csv(FLARE, infer_schema=False)
    strengths = [f"{name}-class" for name in "CMX"]
    path = tmp_path_factory.mktemp("flare") / "flare.csv"
    table.with_columns((pl.col(strengths) != "0").cast(pl.Int8)).write_csv(path)
    return path, ",".join(strengths)


def matrix(lists, names):
    return np.array([[float(name in row) for name in names] for row in lists])


def recomputed(lines, scored):
    """All metrics of the lines of one arm and repeat; labels of which nothing is known are left out."""
    Y, P = (matrix(lines[name].to_list(), scored) for name in ("label", "prediction"))
    unknown = matrix(lines["unknown"].to_list(), scored) == 1 if "unknown" in lines.columns else np.zeros(Y.shape, bool)
    proba, known = lines.select(f"p:{name}" for name in scored).to_numpy(), ~unknown
    each = [(Y[m, k], P[m, k], proba[m, k]) for k, m in enumerate(known.T)]
    f1 = np.array([theirs.f1_score(t, p, zero_division=0) for t, p, _ in each])
    support = np.array([t.sum() for t, _, _ in each])
    hits = (Y * P * known).sum(axis=1)
    rows = (Y * known).sum(axis=1) + (P * known).sum(axis=1)
    return {
        "macro_f1": f1.mean(),
        "weighted_f1": np.average(f1, weights=support),
        "micro_f1": theirs.f1_score(Y[known], P[known], zero_division=0),
        "samples_f1": np.divide(2 * hits, rows, out=np.zeros(len(rows)), where=rows > 0)[known.any(axis=1)].mean(),
        "balanced_accuracy": np.mean([theirs.balanced_accuracy_score(t, p) for t, p, _ in each]),
        "accuracy": ((Y == P) | unknown).all(axis=1)[known.any(axis=1)].mean(),
        "hamming_loss": (Y != P)[known].mean(),
        "mcc": np.mean([theirs.matthews_corrcoef(t, p) for t, p, _ in each]),
        "roc_auc": np.mean([theirs.roc_auc_score(t, s) for t, _, s in each]),
        "average_precision": np.mean([theirs.average_precision_score(t, s) for t, _, s in each]),
        "log_loss": np.mean([theirs.log_loss(t, s, labels=[0, 1]) for t, _, s in each]),
        "brier": np.mean([theirs.brier_score_loss(t, s) for t, _, s in each]),
    }


def check_record(out):
    """Every score, and every figure of every label, from the predictions file."""
    record = json.loads((out / "study.json").read_text(encoding="utf-8"))
    predictions = pl.read_parquet(out / "predictions.parquet")
    assert record["data"]["task"] == "multilabel"
    scored = record["data"]["scored_classes"]
    for arm in record["arms"]:
        lines = predictions.filter(pl.col("arm") == arm["id"])
        parts = [lines.filter(pl.col("repeat") == repeat) for repeat in range(record["repeats"])]
        made = [recomputed(part, scored) for part in parts]
        expected = {name: float(np.mean([values[name] for values in made])) for name in made[0]}
        assert arm["metrics"] == pytest.approx(expected, abs=1e-9)
        assert arm["score"] == pytest.approx(expected[record["metric"]], abs=1e-9)
        assert [entry["name"] for entry in arm["per_class"]] == scored
        for k, entry in enumerate(arm["per_class"]):
            figures = [per_label(part, scored, k) for part in parts]
            for name in ("support", "precision", "recall", "f1"):
                assert entry[name] == pytest.approx(np.mean([found[name] for found in figures]), abs=1e-9), name
    return record, predictions


def per_label(lines, scored, k):
    Y, P = (matrix(lines[name].to_list(), scored)[:, k] for name in ("label", "prediction"))
    if "unknown" in lines.columns:
        known = matrix(lines["unknown"].to_list(), scored)[:, k] == 0
        Y, P = Y[known], P[known]
    precision, recall, f1, _ = theirs.precision_recall_fscore_support(Y, P, average="binary", zero_division=0)
    return {"support": Y.sum(), "precision": precision, "recall": recall, "f1": f1}


def test_every_number_with_unknown_entries_and_repeats(columns, tmp_path, real_report):
    out = tmp_path / "out"
    given = ("--target", "a,b,c", "--strategies", "quick", "--repeats", "2", "--out", str(out))
    assert main(["study", str(columns), *QUICK, *given]) == 0
    record, predictions = check_record(out)
    truth = pl.read_csv(columns, infer_schema=False)
    first = predictions.filter((pl.col("arm") == record["baseline"]) & (pl.col("repeat") == 0)).sort("row")
    for name in LABELS:
        column = truth[name].gather(first["row"])
        assert first["label"].list.contains(name).to_list() == (column.fill_null("0") == "1").to_list()
        assert first["unknown"].list.contains(name).to_list() == column.is_null().to_list()
    counts = {name: int((truth[name] == "1").sum()) for name in LABELS}
    assert {entry["name"]: entry["count"] for entry in record["data"]["classes"]} == counts
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Labels together" in page
    assert "What is taken for what" not in page


@pytest.mark.parametrize("metric", ["samples_f1", "average_precision"])
def test_every_number_of_a_real_table(flare, tmp_path, metric):
    path, target = flare
    out = tmp_path / "out"
    given = ("--target", target, "--metric", metric, "--strategies", "pos_weight; threshold; prior", "--out", str(out))
    assert main(["study", str(path), *QUICK, *given]) == 0
    record, _ = check_record(out)
    assert record["data"]["scored_classes"] == target.split(",")


def test_jobs_change_nothing_and_resume_finishes(steelyard, columns, tmp_path):
    scores = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        given = ("--target", "a, b, c", "--models", "linear", "--strategies", "inverse; threshold; balanced")
        assert steelyard("study", columns, *given, "--folds", "3", "--out", out, "--jobs", jobs).code == 0
        record = json.loads((out / "study.json").read_text(encoding="utf-8"))
        scores.append([(arm["id"], arm["score"], arm["ci"]) for arm in record["arms"]])
        assert any("one class" in text for text in record["left_out"])
    assert scores[0] == scores[1]
    again = steelyard("study", columns, *given, "--folds", "3", "--out", out, "--resume")
    assert (again.code, "already finished" in again.err) == (0, True)


def test_predictions_are_written_as_the_labels_were(steelyard, columns, joined, tmp_path):
    given = ("--model", "linear", "--strategy", "pos_weight + threshold", "--folds", "3", "--jobs", "1")
    assert steelyard("train", columns, "--target", "a,b,c", *given, "--out", tmp_path / "columns").code == 0
    separated = ("--target", "tags", "--label-separator", "|")
    assert steelyard("train", joined, *separated, *given, "--out", tmp_path / "joined").code == 0
    output = tmp_path / "columns.csv"
    assert steelyard("predict", tmp_path / "columns", columns, "--proba", "--output", output).code == 0
    found = pl.read_csv(output)
    assert found.columns == ["row", *(f"prediction:{name}" for name in LABELS), *(f"p:{name}" for name in LABELS)]
    assert set(found["prediction:a"].unique()) == {0, 1}
    for ending in ("csv", "parquet"):
        assert steelyard("predict", tmp_path / "joined", joined, "--output", tmp_path / f"joined.{ending}").code == 0
    lists = pl.read_parquet(tmp_path / "joined.parquet")["prediction"].to_list()
    with (tmp_path / "joined.csv").open(newline="", encoding="utf-8") as file:
        texts = [line["prediction"] for line in csv.DictReader(file)]
    assert ["|".join(labels) for labels in lists] == texts
    assert any(len(labels) > 1 for labels in lists)
    printed = json.loads(steelyard("predict", tmp_path / "joined", joined, "--json").out)
    assert [row["prediction"] for row in printed] == lists


def test_rows_set_apart_and_a_test_table(steelyard, joined, tmp_path):
    out = tmp_path / "out"
    given = ("--target", "tags", "--label-separator", "|", "--strategies", "threshold", "--test", joined)
    assert steelyard("study", joined, *QUICK, *given, "--holdout", "balanced:4", "--out", out).code == 0
    record = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert record["holdout"]["rows"] + record["data"]["rows"] == 160
    assert record["holdout"]["rows"] >= 4
    assert record["test"]["rows"] == 160
    assert set(record["test"]["winner"]["metrics"]) == set(record["arms"][0]["metrics"])


def bad(header, lines):
    return lambda folder: write_csv(folder / "bad.csv", header, lines)


X = [[str(k), str(k % 7)] for k in range(30)]
BAD = {
    "other values": (
        bad(["x", "y", "a", "b"], [[*x, "1" if k % 3 else "0", "2" if k == 4 else "0"] for k, x in enumerate(X)]),
        ("--target", "a,b"),
        1,
        ["'b'", "'2'", "row 4", "0 or 1"],
    ),
    "nothing known": (
        bad(["x", "y", "a", "b"], [[*x, "", ""] for x in X]),
        ("--target", "a,b"),
        1,
        ["'a,b'", "nothing is known", "30 rows"],
    ),
    "one value each": (
        bad(["x", "y", "a", "b"], [[*x, "0", "1"] for x in X]),
        ("--target", "a,b"),
        1,
        ["same value in all rows"],
    ),
    "one label": (
        bad(["x", "y", "tags"], [[*x, "a" if k % 2 else ";"] for k, x in enumerate(X)]),
        ("--target", "tags", "--label-separator", ";"),
        1,
        ["one label only", "'a'"],
    ),
    "no such column": (bad(["x", "y", "a"], [[*x, "1"] for x in X]), ("--target", "a,bb"), 2, ["unknown column 'bb'"]),
    "a column twice": (bad(["x", "y", "a"], [[*x, "1"] for x in X]), ("--target", "a,a"), 2, ["'a'", "target twice"]),
    "a task that does not fit": (
        bad(["x", "y", "a"], [[*x, str(k % 2)] for k, x in enumerate(X)]),
        ("--target", "a", "--task", "multilabel"),
        2,
        ["--task multilabel", "--label-separator"],
    ),
    "another task that does not fit": (
        bad(["x", "y", "a", "b"], [[*x, str(k % 2), str(k % 3 // 2)] for k, x in enumerate(X)]),
        ("--target", "a,b", "--task", "multiclass"),
        2,
        ["--task multiclass", "several labels"],
    ),
    "a separator for several columns": (
        bad(["x", "y", "a", "b"], [[*x, "1", "0"] for x in X]),
        ("--target", "a,b", "--label-separator", "|"),
        2,
        ["--label-separator", "one column"],
    ),
    "a rule for one class": (
        bad(["x", "y", "a", "b"], [[*x, str(k % 2), str(k % 3 // 2)] for k, x in enumerate(X)]),
        ("--target", "a,b", "--strategies", "multipliers"),
        2,
        ["multipliers", "use threshold"],
    ),
    "a metric of one class": (
        bad(["x", "y", "a", "b"], [[*x, str(k % 2), str(k % 3 // 2)] for k, x in enumerate(X)]),
        ("--target", "a,b", "--metric", "f1"),
        2,
        ["f1", "use macro_f1"],
    ),
    "no label often enough": (
        bad(["x", "y", "a", "b"], [[*x, str(int(k == 3)), str(int(k == 5))] for k, x in enumerate(X)]),
        ("--target", "a,b"),
        1,
        ["no label can be scored", "two rows"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_that_names_the_place(steelyard, tmp_path, name):
    make, options, code, words = BAD[name]
    strategies = () if "--strategies" in options else ("--strategies", "inverse")
    outcome = steelyard("study", make(tmp_path), *QUICK, *strategies, *options, "--out", tmp_path / "out")
    assert outcome.code == code
    for word in words:
        assert word in outcome.failure
    assert not (tmp_path / "out").exists()


def test_an_unknown_label_in_a_test_table_is_named(steelyard, joined, tmp_path):
    other = write_csv(tmp_path / "other.csv", ["x", "y", "z", "tags"], [["1", "2", "3", "a|new"]])
    given = ("--target", "tags", "--label-separator", "|", "--test", other, "--out", tmp_path / "out")
    outcome = steelyard("study", joined, *QUICK, *given)
    assert outcome.code == 1
    assert "'new'" in outcome.failure


def test_a_joined_prediction_that_could_not_be_read_again_is_refused(steelyard, tmp_path):
    lines = [{"x": k % 11, "tags": ["a|b"] * (k % 2) + ["c"] * (k % 3 > 0)} for k in range(60)]
    path = tmp_path / "lists.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    trained = ("--target", "tags", "--model", "linear", "--out", tmp_path / "model", "--jobs", "1")
    assert steelyard("train", path, *trained).code == 0
    outcome = steelyard("predict", tmp_path / "model", path)
    assert outcome.code == 2
    assert "'a|b'" in outcome.failure
    assert steelyard("predict", tmp_path / "model", path, "--output", tmp_path / "lists.parquet").code == 0


def test_what_is_left_out_or_never_scored_is_said(steelyard, tmp_path):
    rng = np.random.default_rng(0)
    lines = [[f"{v:.3f}", str(int(v > 0)), str(int(k == 3)), "0"] for k, v in enumerate(rng.normal(size=60))]
    lines[7][1:] = ["", "", ""]
    path = write_csv(tmp_path / "few.csv", ["x", "often", "once", "never"], lines)
    given = ("--target", "often,once,never", "--strategies", "threshold", "--out", tmp_path / "out")
    outcome = steelyard("study", path, *QUICK, *given)
    assert outcome.code == 0
    for words in ("1 rows have no known label", "Never scored", "never (always 0)", "only one row differs", "once"):
        assert words in outcome.err
    record = json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))
    assert record["data"]["scored_classes"] == ["often"]
    check_record(tmp_path / "out")
