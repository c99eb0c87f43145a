from __future__ import annotations

import copy
import sys
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from steelyard import weighting
from steelyard.counts import count_labels
from steelyard.errors import DataError, MissingExtraError, UnknownNameError, UsageError
from steelyard.weighting import ClassWeights, Inverse, class_weights

COUNTS = {"funny": 5, "soccer": 82}


def test_labels_counts_and_mappings_weigh_the_same():
    y = ["soccer"] * 82 + ["funny"] * 5
    assert class_weights(y) == class_weights(COUNTS) == class_weights(count_labels(y)) == class_weights(iter(y))


def test_it_is_a_mapping_in_class_order():
    weights = class_weights(COUNTS, "inverse")
    assert isinstance(weights, Mapping)
    assert list(weights) == ["funny", "soccer"]
    assert dict(weights) == weights.as_dict() == weights
    assert len(weights) == 2
    assert weights["funny"] == pytest.approx(87 / 10)
    assert type(weights["funny"]) is float
    np.testing.assert_array_equal(np.asarray(weights), weights.as_array())
    assert weights.scheme == "inverse"
    assert copy.deepcopy(weights) == weights
    assert hash(weights) == hash(class_weights(COUNTS, "inverse"))
    assert np.int64(1) in class_weights([0, 1])
    with pytest.raises(KeyError):
        weights["x"]


def test_the_array_is_a_copy_and_the_weights_are_frozen():
    weights = class_weights(COUNTS)
    array = weights.as_array()
    array[0] = 99
    assert weights["funny"] != 99
    with pytest.raises(AttributeError):
        weights.classes = ()


def test_scikit_learn_takes_the_dict():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.array([0] * 50 + [1] * 10)
    ours = LogisticRegression(class_weight=dict(class_weights(y))).fit(X, y)
    balanced = LogisticRegression(class_weight="balanced").fit(X, y)
    np.testing.assert_allclose(ours.coef_, balanced.coef_, rtol=1e-6)


def test_tensors_are_float32_unless_asked():
    weights = class_weights(COUNTS)
    assert weights.as_tensor().dtype == torch.float32
    assert weights.as_tensor(device="cpu", dtype=torch.float64).tolist() == weights.as_array().tolist()
    loss = torch.nn.CrossEntropyLoss(weight=weights.as_tensor())
    assert torch.isfinite(loss(torch.zeros(2, 2), torch.tensor([0, 1])))


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"steelyard\[torch\]"):
        class_weights(COUNTS).as_tensor()


def test_absent_classes_are_warned_of_once_and_weigh_as_one_row():
    counts = count_labels(["a"] * 6 + ["b"] * 2, classes=["a", "b", "c", "d"])
    with pytest.warns(UserWarning, match=r"2 of 4 classes have no rows \('c', 'd'\)") as caught:
        weights = class_weights(counts, "inverse")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    # Elsewhere: 1/0 = inf, a silent weight of 1, or scikit-learn's error.
    # By hand: a and b as without c and d (8/12, 8/4); c and d as a class of one row on that scale: 8/2.
    np.testing.assert_allclose(weights.as_array(), [8 / 12, 2, 4, 4])


def test_keywords_win_over_the_scheme():
    text = "inverse(boost={funny: 2}, normalize=classes)"
    assert class_weights(COUNTS, text).scheme == text
    assert class_weights(COUNTS, text, normalize=None)["soccer"] == pytest.approx(1 / 82)
    assert class_weights(COUNTS, text, boost={"soccer": 3}, normalize=None).as_array() == pytest.approx([1 / 5, 3 / 82])
    assert class_weights(COUNTS, Inverse(), clip=(0.5, 3)).scheme == "inverse(clip=[0.5, 3])"
    assert class_weights(COUNTS, "inverse(normalize=none)")["funny"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("counts", "scheme", "error", "message"),
    [
        (COUNTS, "invers", UnknownNameError, "did you mean 'inverse'"),
        (COUNTS, 3, UsageError, "int"),
        ([], "inverse", DataError, "no labels"),
        ([None], "inverse", DataError, "no labels"),
    ],
)
def test_errors(counts, scheme, error, message):
    with pytest.raises(error, match=message):
        class_weights(counts, scheme)


@pytest.mark.parametrize("array", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_wrong_weights_are_refused(array):
    with pytest.raises(UsageError):
        ClassWeights(("a", "b"), np.array(array))


def test_every_scheme_is_an_attribute_of_the_package():
    assert weighting.Inverse.name == "inverse"
    assert {"Inverse", "Manual", "class_weights"} <= set(dir(weighting))
    assert weighting.__all__ == sorted(weighting.__all__, key=lambda name: (name[0].islower(), name))
    with pytest.raises(AttributeError, match="Inverted"):
        weighting.Inverted  # noqa: B018
