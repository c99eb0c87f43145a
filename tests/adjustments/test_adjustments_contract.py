from __future__ import annotations

import json

import numpy as np
import pytest

from steelyard import registry
from steelyard.adjustments import ClassFactors

CLASSES = ("a", "b b", "007")
#: Parameters of the adjustments that cannot do without; a new one that needs some is missed here and fails.
NEEDED = {"deploy_prior": {"priors": {"007": 0.2, "a": 0.3, "b b": 0.5}}}
ADJUSTMENTS = registry.components("adjustment")


@pytest.fixture(params=ADJUSTMENTS.items(), ids=ADJUSTMENTS.keys())
def adjustment(request):
    name, cls = request.param
    return cls(**NEEDED.get(name, {}))


def bound(adjustment, order=(0, 1, 2)):
    index = np.array(order)
    return adjustment.bind(
        priors=np.array([0.6, 0.3, 0.1])[index],
        weights=np.array([1.0, 2.0, 5.0])[index],
        classes=tuple(CLASSES[i] for i in index),
    )


@pytest.fixture
def proba():
    return np.vstack([np.random.default_rng(0).dirichlet(np.ones(3), 30), np.eye(3)])


def test_round_trip_through_text_and_dict(adjustment):
    assert registry.parse("adjustment", str(adjustment)) == adjustment
    saved = json.loads(json.dumps(adjustment.to_dict()))
    again = registry.from_dict("adjustment", saved)
    assert again == adjustment
    assert hash(again) == hash(adjustment)
    assert bound(again) == bound(adjustment)


def test_rows_stay_distributions(adjustment, proba):
    found = bound(adjustment).transform(proba)
    assert found.dtype == np.float64
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(proba)))


def test_permuting_classes_permutes_the_result(adjustment, proba):
    order = [2, 0, 1]
    found = bound(adjustment, order).transform(proba[:, order])
    assert found == pytest.approx(bound(adjustment).transform(proba)[:, order], rel=1e-12)


def test_half_precision_scores(adjustment, proba):
    half = bound(adjustment).transform(proba.astype(np.float16))
    assert half == pytest.approx(bound(adjustment).transform(proba), abs=5e-3)


def test_state_round_trip(adjustment, proba):
    state = json.loads(json.dumps(bound(adjustment).to_state(), allow_nan=False))
    assert (ClassFactors.from_state(state).transform(proba) == bound(adjustment).transform(proba)).all()
