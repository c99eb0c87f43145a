from __future__ import annotations

import numpy as np
import pytest

from steelyard.adjustments import DeployPrior
from steelyard.errors import UsageError

CLASSES = ("ham", "spam")


def bound(shares, priors=(0.9, 0.1), weights=(1.0, 1.0), classes=CLASSES):
    return DeployPrior(shares).bind(priors=np.array(priors), weights=np.array(weights), classes=classes)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 9.0)])
def test_bayes_rule_under_new_shares(weights):
    # Known likelihoods of two classes at three points, where the model is exact under the (weighted) shares.
    likelihood = np.array([[0.5, 0.1], [0.3, 0.3], [0.2, 0.6]])
    trained = likelihood * np.array([0.9, 0.1]) * weights
    deployed = likelihood * np.array([0.4, 0.6])
    found = bound({"spam": 0.6, "ham": 0.4}, weights=weights).transform(trained / trained.sum(axis=1, keepdims=True))
    assert found == pytest.approx(deployed / deployed.sum(axis=1, keepdims=True))


def test_only_ratios_of_the_shares_matter():
    assert bound({"ham": 40, "spam": 60}).factors == pytest.approx(bound({"ham": 0.4, "spam": 0.6}).factors)


def test_a_class_that_does_not_occur_is_never_predicted():
    assert bound({"ham": 1, "spam": 0}).transform(np.array([[0.0, 1.0]])).tolist() == [[1.0, 0.0]]


def test_class_absent_from_training_is_treated_like_the_rarest_present_one():
    found = bound({"a": 1, "b": 1, "c": 1}, (0.9, 0.1, 0), (1, 1, 1), "abc")
    assert found.factors == pytest.approx((1 / 9, 1, 1))


@pytest.mark.parametrize("shares", [{"ham": -0.1, "spam": 1.1}, {"ham": 0, "spam": 0}, {"ham": np.nan}, {}])
def test_shares_that_cannot_be(shares):
    with pytest.raises(UsageError, match="shares must be"):
        DeployPrior(shares)


def test_shares_are_by_class():
    with pytest.raises(UsageError, match="mapping"):
        DeployPrior([0.5, 0.5])
    with pytest.raises(UsageError, match="no value for 'spam'"):
        bound({"ham": 1.0})
    with pytest.raises(UsageError, match="0 class names for 2 classes"):
        bound({"ham": 0.5, "spam": 0.5}, classes=())
