from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from steelyard.adjustments import Prior
from steelyard.errors import UsageError


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 2.0])
def test_subtracting_tau_log_prior_from_logits(tau):
    # Menon et al. 2021, equation 9: argmax f - tau log prior; here the probabilities of those logits.
    rng = np.random.default_rng(0)
    logits, priors = rng.normal(size=(50, 3)), np.array([0.7, 0.2, 0.1])
    bound = Prior(tau).bind(priors=priors, weights=np.ones(3))
    wanted = softmax(logits - tau * np.log(priors), axis=1)
    assert bound.transform(softmax(logits, axis=1)) == pytest.approx(wanted, rel=1e-9)


def test_absent_class_is_treated_like_the_rarest_present_one():
    bound = Prior().bind(priors=np.array([0.9, 0.1, 0.0]), weights=np.ones(3))
    assert bound.factors == pytest.approx((1 / 9, 1.0, 1.0))


@pytest.mark.parametrize("priors", [[0.0, 0.0], [-0.1, 1.1], [np.nan, 1.0]])
def test_priors_that_cannot_be(priors):
    with pytest.raises(UsageError, match="priors must be shares"):
        Prior().bind(priors=np.array(priors), weights=np.ones(2))


def test_tau_is_finite_and_always_shown():
    assert str(Prior()) == "prior(tau=1)"
    with pytest.raises(UsageError, match="tau"):
        Prior(float("nan"))
