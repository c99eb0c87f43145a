from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from steelyard.errors import UnknownNameError
from steelyard.metrics import evaluate, get_metric


def test_ten_metrics_as_scikit_learn():
    rng = np.random.default_rng(0)
    codes, proba = rng.integers(0, 4, 100), rng.dirichlet(np.ones(4), 100)
    predicted = proba.argmax(axis=1)
    wanted = {
        "macro_f1": sk.f1_score(codes, predicted, average="macro"),
        "weighted_f1": sk.f1_score(codes, predicted, average="weighted"),
        "micro_f1": sk.f1_score(codes, predicted, average="micro"),
        "balanced_accuracy": sk.balanced_accuracy_score(codes, predicted),
        "accuracy": sk.accuracy_score(codes, predicted),
        "mcc": sk.matthews_corrcoef(codes, predicted),
        "roc_auc": sk.roc_auc_score(codes, proba, multi_class="ovr"),
        "average_precision": sk.average_precision_score(np.eye(4)[codes], proba, average="macro"),
        "log_loss": sk.log_loss(codes, proba),
        "brier": sk.brier_score_loss(codes, proba),
    }
    found = evaluate(codes, proba, predicted, 4)
    assert list(found) == list(wanted)
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("rows", "undefined"), [(3, {"roc_auc", "average_precision"}), (0, None)])
def test_undefined_is_none_and_json_safe(rows, undefined):
    codes, proba = np.zeros(rows, dtype=int), np.full((rows, 3), 1 / 3)
    found = evaluate(codes, proba, codes, 3)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {name for name, value in found.items() if value is None} == (undefined or set(found))


def test_accuracy_alone_is_not_enough():
    codes = np.array([0] * 99 + [1])
    found = evaluate(codes, np.tile([0.99, 0.01], (100, 1)), np.zeros(100, dtype=int), 2)
    assert found["accuracy"] == 0.99
    assert found["balanced_accuracy"] == 0.5
    assert found["mcc"] == 0.0


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"did you mean 'macro_f1'\?.*brier"):
        get_metric("macro_f")
