from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from steelyard import registry
from steelyard.decisions import Cost, Decision, FittedDecision
from steelyard.errors import ArtifactError
from steelyard.metrics import get_metric

#: Parameters of the decisions that cannot do without; a new one that needs some is missed here and fails.
NEEDED = {"cost": {"matrix": [[0, 1], [5, -1]]}}
DECISIONS = registry.components("decision")


@pytest.fixture(params=DECISIONS.items(), ids=DECISIONS.keys())
def decision(request):
    name, cls = request.param
    return cls(**NEEDED.get(name, {}))


def rows(n=150):
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.2).astype(int)
    scores = np.clip(rng.normal(0.3, 0.15, n) + 0.2 * y, 0, 1)
    return np.column_stack([1 - scores, scores]), y


@pytest.fixture
def fitted(decision):
    return decision.fit(*rows())


def test_round_trip_through_text_and_dict(decision):
    assert registry.parse("decision", str(decision)) == decision
    again = registry.from_dict("decision", json.loads(json.dumps(decision.to_dict())))
    assert again == decision
    assert hash(again) == hash(decision)
    assert again.fit(*rows()) == decision.fit(*rows())


def test_state_round_trip(fitted):
    state = json.loads(json.dumps(fitted.to_state(), allow_nan=False))
    again = FittedDecision.from_state(state)
    assert again == fitted
    assert (again.predict(rows()[0]) == fitted.predict(rows()[0])).all()


def test_damaged_and_unknown_states_are_named(fitted):
    state = fitted.to_state()
    key = next(iter(fitted.params()))
    with pytest.raises(ArtifactError, match=f"{state['name']} is damaged"):
        FittedDecision.from_state({name: value for name, value in state.items() if name != key})
    with pytest.raises(ArtifactError, match=r"cannot read the decision 'threshold\.v9'.*argmax\.v1"):
        FittedDecision.from_state({**state, "name": "threshold.v9"})


def test_predictions_are_codes(fitted):
    predicted = fitted.predict(rows()[0])
    assert predicted.dtype == np.int64
    assert predicted.shape == (150,)
    assert set(predicted.tolist()) <= {0, 1}
    assert fitted.predict(np.zeros((0, 2))).shape == (0,)


def test_rules_are_frozen(fitted):
    with pytest.raises(dataclasses.FrozenInstanceError):
        fitted.notes = ("changed",)


def test_permuting_classes_permutes_predictions(decision):
    proba, y = rows()
    swapped = decision
    if isinstance(decision, Cost):
        swapped = Cost(np.array(decision.matrix)[::-1, ::-1])
    found = decision.fit(proba, y, positive=1).predict(proba)
    assert (swapped.fit(proba[:, ::-1], 1 - y, positive=0).predict(proba[:, ::-1]) == 1 - found).all()


@pytest.mark.parametrize("metric", ["macro_f1", "mcc", "min_recall"])
def test_permuting_many_classes_permutes_predictions(metric):
    rng = np.random.default_rng(1)
    y = rng.choice(5, 400, p=[0.5, 0.25, 0.15, 0.07, 0.03])
    proba = rng.dirichlet(np.ones(5) * 0.8, 400) * 0.7 + 0.3 * np.eye(5)[y]
    order = rng.permutation(5)
    code = np.argsort(order)
    for name in ("argmax", "multipliers"):
        rule = DECISIONS[name]().for_study(n_classes=5, metric=get_metric(metric))
        found = rule.fit(proba, y).predict(proba)
        permuted = rule.fit(proba[:, order], code[y]).predict(proba[:, order])
        assert permuted.tolist() == code[found].tolist()


def test_a_study_can_ask_every_decision(decision):
    for n_classes in (2, 7):
        asked = decision.for_study(n_classes=n_classes, metric=get_metric("macro_f1"))
        assert isinstance(asked, Decision)
        assert registry.parse("decision", str(asked)) == asked


def test_single_precision_scores_are_taken_as_they_are(decision):
    proba, y = rows()
    single = proba.astype(np.float32)
    double = single.astype(np.float64)
    assert (decision.fit(single, y).predict(single) == decision.fit(double, y).predict(double)).all()
