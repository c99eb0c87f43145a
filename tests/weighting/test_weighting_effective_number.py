from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.weighting import EffectiveNumber, Inverse, Uniform

COUNTS = [1, 5, 82, 10**6]


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999, 1 - 2**-40])
def test_raw_weights_to_full_precision(beta):
    with localcontext() as context:
        context.prec = 60
        exact = [float((1 - Decimal(beta)) / (1 - Decimal(beta) ** count)) for count in COUNTS]
    weights = EffectiveNumber(beta=beta, normalize=None).values("abcd", COUNTS)
    np.testing.assert_allclose(weights, exact, rtol=1e-12)


def test_the_papers_effective_numbers():
    # Cui et al.: E_1 = 1, and E_n tends to 1/(1-beta) = N for large n.
    weights = EffectiveNumber(beta=0.999, normalize=None).values("ab", [1, 10**7])
    np.testing.assert_allclose(weights, [1.0, 0.001], rtol=1e-12)


def test_its_limits_are_uniform_and_inverse():
    np.testing.assert_allclose(EffectiveNumber(beta=0).values("abcd", COUNTS), Uniform().values("abcd", COUNTS))
    near_one = EffectiveNumber(beta=1 - 2**-52).values("abcd", COUNTS)
    np.testing.assert_allclose(near_one, Inverse().values("abcd", COUNTS), rtol=1e-8)


@pytest.mark.parametrize("beta", [1, 1.5, -0.1, "x", True, float("nan")])
def test_beta_out_of_range_is_refused(beta):
    with pytest.raises(UsageError, match="beta must be a number in"):
        EffectiveNumber(beta=beta)


def test_its_text_always_shows_beta_first():
    weighting = EffectiveNumber(boost={"a": 2})
    assert str(weighting) == "effective_number(beta=0.999, boost={a: 2})"
