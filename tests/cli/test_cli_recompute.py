"""Every score of a study is recomputed from its predictions file, with scikit-learn's metrics and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as theirs

from steelyard.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
TABULAR = ROOT / ".." / "shared" / "data" / "tabular"

TABLES = {
    "hypothyroid4": (ROOT / "examples" / "hypothyroid4.csv", "Class", ["--folds", "2", "--strategies", "multipliers"]),
    "yeast, repeated": (
        TABULAR / "yeast.csv",
        None,
        ["--repeats", "2", "--strategies", "prior; inverse + multipliers"],
    ),
    "soybean": (TABULAR / "soybean.csv", None, ["--strategies", "balanced", "--metric", "balanced_accuracy"]),
    "spectrometer, single rows": (TABULAR / "spectrometer.csv", None, ["--folds", "2", "--strategies", "sqrt"]),
    "pc1, two classes": (TABULAR / "pc1.csv", None, ["--strategies", "threshold(metric=f1); unweight + inverse"]),
    "glass by log loss": (TABULAR / "glass.csv", None, ["--metric", "log_loss", "--strategies", "prior"]),
}


def target_of(path):
    index = json.loads((path.parent / "index.json").read_text(encoding="utf-8"))
    entries = index.values() if isinstance(index, dict) else index
    for entry in entries:
        if path.stem in (entry.get("name"), Path(entry.get("file", "")).stem):
            return entry["target"]
    return index[path.stem]["target"]


def arm_lines(predictions, arm):
    """The lines of an arm, one table for each repeat."""
    lines = predictions.filter(pl.col("arm") == arm["id"])
    return [lines.filter(pl.col("repeat") == repeat) for repeat in sorted(lines["repeat"].unique())]


def reported(record, lines):
    """The metrics of one repeat."""
    scored = record["data"]["scored_classes"]
    names = [entry["name"] for entry in record["data"]["classes"]]
    label, prediction = lines["label"].to_numpy(), lines["prediction"].to_numpy()
    proba = lines.select(f"p:{name}" for name in names).to_numpy()
    averaged = {"labels": scored, "zero_division": 0}
    one_hot = (label[:, None] == np.array(names)).astype(int)
    kept = [names.index(name) for name in scored]
    if len(names) == 2:
        area = theirs.roc_auc_score(one_hot[:, 1], proba[:, 1])
    else:
        area = np.mean([theirs.roc_auc_score(one_hot[:, k], proba[:, k]) for k in kept])
    squared = ((proba - one_hot) ** 2).sum(axis=1).mean()
    return {
        "macro_f1": theirs.f1_score(label, prediction, average="macro", **averaged),
        "weighted_f1": theirs.f1_score(label, prediction, average="weighted", **averaged),
        "micro_f1": theirs.f1_score(label, prediction, average="micro", **averaged),
        "balanced_accuracy": theirs.recall_score(label, prediction, average="macro", **averaged),
        "accuracy": theirs.accuracy_score(label, prediction),
        "mcc": theirs.matthews_corrcoef(label, prediction),
        "roc_auc": area,
        "average_precision": np.mean([theirs.average_precision_score(one_hot[:, k], proba[:, k]) for k in kept]),
        "log_loss": theirs.log_loss(one_hot.argmax(axis=1), proba, labels=range(len(names))),
        "brier": squared / 2 if len(names) == 2 else squared,
    }


def check_scores_and_metrics(record, predictions):
    for arm in record["arms"]:
        made = [reported(record, lines) for lines in arm_lines(predictions, arm)]
        assert len(made) == record["repeats"]
        expected = {name: float(np.mean([values[name] for values in made])) for name in made[0]}
        assert arm["metrics"] == pytest.approx(expected, abs=1e-9)
        assert arm["score"] == pytest.approx(expected[record["metric"]], abs=1e-9)
        assert arm["ci"][0] <= arm["score"] <= arm["ci"][1]
    scores = {arm["id"]: arm["score"] for arm in record["arms"]}
    for arm in record["arms"]:
        assert arm["delta"] == pytest.approx(arm["score"] - scores[record["baseline"]], abs=1e-12)
    best = max if record["greater_is_better"] else min
    assert scores[record["winner"]["id"]] == best(scores.values())


def check_classes(record, predictions):
    scored = record["data"]["scored_classes"]
    table = {}
    for arm in record["arms"]:
        assert [entry["name"] for entry in arm["per_class"]] == scored
        parts = arm_lines(predictions, arm)
        options = {"labels": scored, "zero_division": 0, "average": None}
        precision, recall, f1, support = np.mean(
            [theirs.precision_recall_fscore_support(p["label"], p["prediction"], **options) for p in parts], axis=0
        )
        f_beta = np.mean(
            [theirs.fbeta_score(p["label"], p["prediction"], beta=record["beta"], **options) for p in parts], axis=0
        )
        table[arm["id"]] = {"precision": precision, "recall": recall, "f1": f1, "f_beta": f_beta}
        for name, values in {**table[arm["id"]], "support": support}.items():
            assert [entry[name] for entry in arm["per_class"]] == pytest.approx(values.tolist(), abs=1e-9), name
    for arm in record["arms"]:
        for name in ("precision", "recall", "f_beta"):
            change = table[arm["id"]][name] - table[record["baseline"]][name]
            found = [entry[f"{name}_delta"] for entry in arm["per_class"]]
            assert found == pytest.approx(change.tolist(), abs=1e-9)


def check_rows_and_labels(record, predictions, labels):
    counts = dict(labels.drop_nulls().value_counts().iter_rows())
    data = record["data"]
    assert {entry["name"]: entry["count"] for entry in data["classes"]} == counts
    assert data["rows"] == sum(counts.values())
    assert data["imbalance_ratio"] == pytest.approx(max(counts.values()) / min(counts.values()))
    assert data["scored_classes"] == [entry["name"] for entry in data["classes"] if entry["count"] > 1]
    assert labels.gather(predictions["row"]).to_list() == predictions["label"].to_list()
    for arm in record["arms"]:
        for lines in arm_lines(predictions, arm):
            assert lines["row"].n_unique() == lines.height == sum(n for n in counts.values() if n > 1)


def check_winner(record):
    """The verdict is the one that its own figures allow."""
    winner, verdict = record["winner"], record["verdict"]
    assert winner["ci"][0] <= winner["score"] <= winner["ci"][1]
    if verdict["kind"] == "clear_winner":
        assert winner["gain_ci"][0] > 0
    if winner["id"] == record["baseline"]:
        assert verdict["kind"] == "no_gain"


@pytest.mark.parametrize("name", TABLES)
def test_every_number_of_a_study(name, tmp_path):
    path, target, options = TABLES[name]
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    out = tmp_path / "out"
    target = target or target_of(path)
    common = ["--models", "linear(max_iter=40)", "--folds", "3", "--jobs", "1"]
    given = dict(zip([*common, *options][::2], [*common, *options][1::2], strict=True))
    arguments = [word for pair in given.items() for word in pair]
    assert main(["study", str(path), "--target", target, "--out", str(out), *arguments]) == 0
    record = json.loads((out / "study.json").read_text(encoding="utf-8"))
    predictions = pl.read_parquet(out / "predictions.parquet")
    check_scores_and_metrics(record, predictions)
    check_classes(record, predictions)
    check_rows_and_labels(record, predictions, pl.read_csv(path, infer_schema=False)[target])
    check_winner(record)
