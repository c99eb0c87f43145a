"""Adjustments of labels that each stand for themselves are those of two classes, label by label."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard import registry
from steelyard.adjustments import ClassFactors, DeployPrior, LabelFactors, Prior, Unchanged, Unweight
from steelyard.errors import ArtifactError, UsageError

PRIORS, WEIGHTS, NAMES = np.array([0.5, 0.1, 0.01]), np.array([1.0, 3.0, 20.0]), ("a", "b", "c")


def scores(n=40):
    return np.random.default_rng(0).random((n, 3))


def odds(p):
    return p / (1 - p)


def test_prior_divides_the_odds_by_those_of_the_training_rows():
    proba = scores()
    adjusted = Prior(tau=0.7).bind_labels(priors=PRIORS, weights=WEIGHTS).transform(proba)
    np.testing.assert_allclose(odds(adjusted), odds(proba) / odds(PRIORS) ** 0.7, rtol=1e-9)


def test_unweight_puts_right_what_weighted_training_tilted():
    truth = scores()
    tilted = WEIGHTS * truth / (WEIGHTS * truth + 1 - truth)
    for rule in (Unweight(), Unweight(dict(zip(NAMES, WEIGHTS, strict=True))), Unweight(WEIGHTS)):
        found = rule.bind_labels(priors=PRIORS, weights=WEIGHTS, classes=NAMES).transform(tilted)
        np.testing.assert_allclose(found, truth, rtol=1e-9)


def test_deployed_shares_replace_those_of_training():
    proba = scores()
    rule = DeployPrior({"a": 0.2, "b": 0.4, "c": 0.5})
    found = rule.bind_labels(priors=PRIORS, weights=np.ones(3), classes=NAMES).transform(proba)
    np.testing.assert_allclose(odds(found), odds(proba) * odds(np.array([0.2, 0.4, 0.5])) / odds(PRIORS), rtol=1e-9)
    with pytest.raises(UsageError, match=r"below 1.*'b'"):
        DeployPrior({"a": 0.2, "b": 1.0, "c": 0.5}).bind_labels(priors=PRIORS, weights=np.ones(3), classes=NAMES)


@pytest.mark.parametrize("name", ["prior", "unchanged", "unweight"])
def test_what_is_sure_stays_sure(name):
    rule = registry.get("adjustment", name)()
    edges = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    for priors in (PRIORS, np.array([0.0, 1.0, 0.5])):
        found = rule.bind_labels(priors=priors, weights=WEIGHTS, classes=NAMES).transform(edges)
        np.testing.assert_array_equal(found, edges)


def test_unchanged_gives_the_very_same_scores():
    proba = scores()
    assert Unchanged().bind_labels(priors=PRIORS, weights=WEIGHTS).transform(proba) is proba


def test_state_goes_round_and_both_forms_are_told_apart():
    for factors in (LabelFactors((0.5, 2.0), 1.5), ClassFactors((0.5, 2.0), 1.5)):
        assert ClassFactors.from_state(factors.to_state()) == factors
    with pytest.raises(ArtifactError, match=r"label_factors.v1"):
        ClassFactors.from_state({"name": "other.v1"})


@pytest.mark.parametrize("factors", [(np.inf,), (-1.0,), (np.nan,)])
def test_bad_factors_are_refused(factors):
    with pytest.raises(UsageError, match="factors"):
        LabelFactors(factors)
    with pytest.raises(UsageError, match="shape"):
        LabelFactors((1.0, 2.0)).transform(np.ones((3, 3)))
