"""Exported models in onnxruntime, on every row, against the model they were made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import ndtri

import steelyard as sy
from steelyard.data import frame_from, read_table
from steelyard.errors import UsageError
from steelyard.export import row_inputs
from steelyard.export.encoders import _quantile
from steelyard.export.graph import Graph

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

HERE = Path(__file__).resolve().parents[2]


def mixed(n: int = 260) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.choice(["common", "räre", "some"], p=[0.7, 0.1, 0.2], size=n)
    X = pd.DataFrame({f"n{i}": rng.normal(size=n) + (y == "räre") * 1.5 for i in range(3)})
    X.loc[rng.random(n) < 0.1, "n0"] = np.nan
    X["steps"] = rng.integers(0, 4, n) * (y != "some")
    X["kind"] = np.where(rng.random(n) < 0.2, "odd", np.where(y == "some", "b", "a"))
    X["kind"] = X["kind"].where(rng.random(n) > 0.1, None)
    return X, y


def run(path: Path, clf: Any, frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    proba, label = session.run(["probabilities", "label"], row_inputs(clf.schema_, frame))
    return proba, label


def check(clf: Any, X: Any, tmp_path: Path) -> None:
    path = clf.export(tmp_path / "model.onnx")
    proba, label = run(path, clf, clf.select(frame_from(X, clf._names)))
    expected = clf.predict_proba(X)
    np.testing.assert_allclose(proba, expected, atol=2e-6)
    # Where two classes tie to the last digits of float32, either is right.
    scores = np.sort(expected, axis=1)
    assert np.mean(label == clf.predict(X)) >= 1 - np.mean(scores[:, -1] - scores[:, -2] < 1e-5)


@pytest.mark.parametrize("model", [
    "linear", "lda", "nystroem", "mlp(epochs=5)", "boosting(n_estimators=10)",
    "boosting(n_estimators=10, onehot=true, min_child_samples=3)", "forest(n_estimators=9)",
    "extra_trees(n_estimators=9)", "balanced_forest(n_estimators=9)",
])  # fmt: skip
def test_every_model_with_gaps_and_categories(model: str, tmp_path: Path) -> None:
    X, y = mixed()
    clf = sy.SteelyardClassifier(model=model, strategy="inverse + multipliers", n_jobs=1).fit(X, y)
    fresh = X.copy()
    fresh.loc[:20, "kind"] = "never seen"
    fresh.loc[:10, "n1"] = 1e9
    fresh.loc[10:15, ["n0", "n1", "steps"]] = np.nan
    check(clf, fresh, tmp_path)


@pytest.mark.parametrize("name", ["glass", "hypothyroid4", "flare"])
def test_the_mixture_on_all_rows_of_a_real_table(name: str, tmp_path: Path) -> None:
    data = HERE / ".." / "shared" / "data" / "tabular"
    if not (data / "index.json").is_file():
        pytest.skip("the shared tables are not here")
    about = json.loads((data / "index.json").read_text())[name]
    frame = read_table(data / about["file"])
    y = frame[about["target"]].to_numpy()
    models = "linear, lda, boosting(n_estimators=8), extra_trees(n_estimators=7)"
    X = frame.drop(about["target"])
    clf = sy.SteelyardClassifier(model=models, n_jobs=1).fit(X, y)
    check(clf, X, tmp_path)


def test_two_classes_numbers_as_labels_and_a_cost_and_a_prior(tmp_path: Path) -> None:
    X, y = mixed()
    clf = sy.SteelyardClassifier(model="linear", strategy="threshold", n_jobs=1).fit(X, (y == "räre").astype(int))
    for target in (clf, clf.retarget(cost=[[0, 1], [9, 0]]), clf.retarget("mcc", prior={0: 0.5, 1: 0.5})):
        path = target.export(tmp_path / "model.onnx", force=True)
        proba, label = run(path, target, frame_from(X))
        np.testing.assert_allclose(proba, target.predict_proba(X), atol=1e-9)
        assert label.dtype == np.int64
        assert label.tolist() == target.predict(X).tolist()


def test_the_normal_quantile_is_scipys() -> None:
    graph = Graph()
    found = _quantile(graph, "p")
    helper = onnx.helper
    made = helper.make_model(
        helper.make_graph(
            graph.nodes, "quantile", [helper.make_tensor_value_info("p", onnx.TensorProto.DOUBLE, [None])],
            [helper.make_tensor_value_info(found, onnx.TensorProto.DOUBLE, [None])], graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9,
    )  # fmt: skip
    p = np.r_[np.linspace(0.001, 0.999, 999), 1e-8, 1e-7, 1e-5, 1 - 1e-8]
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"p": p})[0], ndtri(p), atol=1e-12)


def test_what_cannot_be_exported_is_named(tmp_path: Path) -> None:
    from sklearn.naive_bayes import GaussianNB

    X, y = mixed()
    clf = sy.SteelyardClassifier(model=GaussianNB(), strategy="do_nothing", n_jobs=1).fit(X, y)
    with pytest.raises(UsageError, match=r"GaussianNB\(\) cannot be exported to ONNX.*those that can are"):
        clf.export(tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_the_command_line_exports_a_study_s_model(tmp_path: Path, capsys: Any) -> None:
    from steelyard.cli.main import main

    X, y = mixed()
    result = sy.run_study(X, y, models="boosting(n_estimators=5)", strategies="inverse + multipliers", folds=3)
    trained = result.fit()
    trained.save(tmp_path / "model")
    assert main(["export", str(tmp_path / "model"), "--format", "onnx", "--output", str(tmp_path / "m.onnx")]) == 0
    session = ort.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    proba, label = session.run(["probabilities", "label"], row_inputs(trained.schema, frame_from(X)))
    np.testing.assert_allclose(proba, trained.predict_proba(X), atol=2e-6)
    assert np.mean(label == trained.predict(X)) > 0.99
    assert main(["export", str(tmp_path / "model"), "--format", "tflite"]) == 2
    assert "onnx" in capsys.readouterr().err
