"""``auto`` on the command line: an arm of a study, trained alone, and used like any model."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

import steelyard as sy
from steelyard.api import study as api_study
from steelyard.blend import auto_trainings
from steelyard.errors import UsageError


@pytest.fixture
def few_members(monkeypatch):
    """The few members of the fast mode in place of all, and smaller."""
    few = auto_trainings("fast", 100, 3)
    small = [
        replace(t, model=t.model.replace(n_estimators=10)) if "n_estimators" in t.model.params() else t for t in few
    ]
    monkeypatch.setattr(api_study, "auto_trainings", lambda *_: small)


def test_auto_stands_beside_the_arms_and_is_kept_when_it_wins(steelyard, table, tmp_path, few_members):
    out = tmp_path / "out"
    asked = ("study", table, "--target", "diagnosis", "--models", "linear, auto", "--strategies", "do_nothing; inverse")
    done = steelyard(*asked, "--folds", 3, "--jobs", 1, "--out", out)
    assert done.code == 0, done.err
    record = json.loads((out / "study.json").read_text())
    assert [arm["id"] for arm in record["arms"]] == ["do_nothing | linear", "inverse | linear", "auto | auto"]
    mixed = record["arms"][-1]
    assert mixed["per_class"][0]["recall_delta_ci"]
    assert {part["model"].partition("(")[0] for part in mixed["mixture"]} <= {
        "linear",
        "boosting",
        "extra_trees",
        "mlp",
    }
    again = steelyard(*asked, "--folds", 3, "--out", out, "--resume")
    assert "already finished" in again.err


def test_auto_is_trained_alone_and_predicts_and_exports(steelyard, table, tmp_path, few_members):
    model = tmp_path / "model"
    wanted = ("train", table, "--target", "diagnosis", "--model", "auto", "--strategy", "auto", "--folds", 3)
    assert steelyard(*wanted, "--jobs", 1, "--out", model).code == 0
    found = steelyard("predict", model, table, "--proba")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    loaded = sy.load(model)
    assert str(loaded).startswith("mixture of ")
    assert {row["prediction"] for row in rows} <= set(loaded.classes)
    parts = np.array([[float(row[f"p:{name}"]) for name in loaded.classes] for row in rows])
    np.testing.assert_allclose(parts.sum(axis=1), 1, atol=1e-6)
    manifest = json.loads((model / "steelyard.json").read_text())
    assert sum(member["weight"] for member in manifest["members"]) == pytest.approx(1)
    onnx = pytest.importorskip("onnxruntime")
    assert steelyard("export", model, "--format", "onnx", "--output", tmp_path / "m.onnx").code == 0
    assert onnx.InferenceSession(tmp_path / "m.onnx").get_inputs()


def test_auto_of_one_slot_alone_is_refused_where_one_arm_is_trained(steelyard, table, tmp_path):
    failed = steelyard("train", table, "--target", "diagnosis", "--model", "auto", "--out", tmp_path / "m")
    assert failed.code == 2
    assert failed.failure == "auto chooses models and strategies together: give both --model auto and --strategy auto"


def test_several_labels_a_row_have_no_mixture_and_it_is_said_before_any_fit():
    X, Y = np.arange(40.0).reshape(20, 2), np.tile([[1, 0], [0, 1]], (10, 1))
    with pytest.raises(UsageError, match="auto mixes arms for one label a row"):
        sy.run_study(X, Y, models="auto")


def test_alone_auto_has_the_usual_models_beside_it_that_do_nothing():
    plan = api_study.plan_maker("auto", "auto", "macro_f1")(3, n_rows=400)
    assert [arm.id for arm in plan.arms] == [
        "do_nothing | linear", "do_nothing | mlp(hidden=64)", "do_nothing | boosting", "auto | auto"
    ]  # fmt: skip
    assert len(plan.arms[-1].members) == 12
    beside = api_study.plan_maker(["auto", "forest"], "quick", "macro_f1")(2)
    assert {arm.model.name for arm in beside.arms[:-1]} == {"forest"}
    assert beside.arms[-1].id == "auto | auto"


def test_text_columns_are_mixed(few_members):
    rng = np.random.default_rng(0)
    y = np.repeat(["common", "rare"], [70, 20])
    words = {"common": ["grey", "plain", "usual", "slow"], "rare": ["bright", "odd", "quick", "slow"]}
    texts = [" ".join(rng.choice(words[label], size=12)) + f" case {place}" for place, label in enumerate(y)]
    result = sy.run_study({"text": texts}, y, strategies="auto", models="linear", folds=3)
    mixed = result.record["arms"][-1]
    assert mixed["id"] == "auto | auto"
    assert mixed["score"] > 0.8
