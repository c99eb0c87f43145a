"""What holds for every weighting there is, found by looking."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest

from steelyard import registry
from steelyard.component import parse_calls
from steelyard.counts import count_labels
from steelyard.weighting import Weighting, class_weights

CLASSES = ("O", "LOC", "a b", "none")
COUNTS = np.array([5000, 40, 7, 300])
#: Weights for a scheme that needs some by hand; like those of any other, they fall with the counts.
BY_HAND = {"O": 1.0, "LOC": 3.0, "a b": 7.5, "none": 1.5}

weightings = pytest.mark.parametrize("name", registry.components("weighting"))


def make(name: str, classes: tuple[str, ...] = CLASSES, **modifiers: object) -> Weighting:
    needed = {"weights": {key: BY_HAND[key] for key in classes}} if name == "manual" else {}
    return registry.get("weighting", name)(**needed, **modifiers)


def test_all_are_found():
    assert set(registry.components("weighting")) >= {
        *("uniform", "inverse", "sqrt", "log", "effective_number", "median_frequency", "manual")
    }


@weightings
def test_the_mean_weight_over_the_training_rows_is_one(name):
    weights = make(name).values(CLASSES, COUNTS)
    assert weights.shape == (4,)
    assert weights.dtype == np.float64
    assert np.repeat(weights, COUNTS).mean() == pytest.approx(1, rel=1e-12)


@weightings
def test_weights_of_classes_sum_to_their_number(name):
    assert make(name, normalize="classes").values(CLASSES, COUNTS).sum() == pytest.approx(4, rel=1e-12)


@weightings
def test_permuted_classes_have_permuted_weights(name):
    weighting, order = make(name, boost={"LOC": 2}, clip=(0.1, 4)), [2, 0, 3, 1]
    permuted = weighting.values([CLASSES[place] for place in order], COUNTS[order])
    np.testing.assert_allclose(permuted, weighting.values(CLASSES, COUNTS)[order], rtol=1e-12)


@weightings
@pytest.mark.parametrize("normalize", ["samples", "classes", None])
def test_absent_classes_are_finite_and_outside_the_sums(name, normalize):
    weighting = make(name, normalize=normalize)
    classes, counts = CLASSES, np.array([5000, 0, 7, 0])
    weights = weighting.values(classes, counts)
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
    alone = make(name, ("O", "a b"), normalize=normalize).values(("O", "a b"), np.array([5000, 7]))
    np.testing.assert_allclose(weights[[0, 2]], alone, rtol=1e-12)
    if normalize is not None:
        present = counts > 0
        mass = counts[present] if normalize == "samples" else np.ones(2)
        assert np.average(weights[present], weights=mass) == pytest.approx(1)
    assert np.isfinite(weighting.values(classes, np.zeros(4))).all()


@weightings
def test_one_class_alone_weighs_one(name):
    np.testing.assert_allclose(make(name, ("O",)).values(("O",), [17]), [1.0])


@weightings
@pytest.mark.parametrize("scale", [1, 10**12])
def test_huge_counts_do_not_overflow(name, scale):
    assert np.isfinite(make(name, clip=(0.5, 3)).values(CLASSES, COUNTS * scale)).all()


@weightings
@pytest.mark.parametrize(
    "modifiers",
    [
        {},
        {"normalize": None},
        {"normalize": "classes", "clip": (0.5, 3.0)},
        {"boost": {"a b": 2.0, "none": 0.5, "007": 1.5}, "clip": (0, 4)},
    ],
)
def test_text_and_dict_forms_round_trip(name, modifiers):
    weighting = make(name, **modifiers)
    assert registry.parse("weighting", str(weighting)) == weighting
    assert registry.from_dict("weighting", json.loads(json.dumps(weighting.to_dict()))) == weighting
    assert str(registry.parse("weighting", str(weighting))) == str(weighting)
    assert copy.deepcopy(weighting) == weighting
    assert hash(weighting) == hash(weighting.replace())
    assert len(parse_calls(str(weighting))) == 1


@weightings
def test_merged_counts_weigh_as_the_whole(name):
    halves = count_labels({"O": 4000, "LOC": 40}), count_labels({"O": 1000, "a b": 7, "none": 300})
    whole = count_labels(dict(zip(CLASSES, COUNTS.tolist(), strict=True)))
    assert class_weights(sum(halves), make(name)) == class_weights(whole, make(name))


@weightings
def test_rarer_classes_never_weigh_less(name):
    weights = make(name).values(CLASSES, COUNTS)
    assert (np.diff(weights[np.argsort(COUNTS)]) <= 0).all()


@weightings
@pytest.mark.parametrize("normalize", ["samples", "classes"])
def test_clipped_weights_keep_their_mean(name, normalize):
    weights = make(name, normalize=normalize, clip=(0.5, 3)).values(CLASSES, COUNTS)
    mass = COUNTS if normalize == "samples" else np.ones(4)
    assert weights.min() >= 0.5
    assert weights.max() <= 3
    assert math.isclose(np.average(weights, weights=mass), 1, rel_tol=1e-12)
