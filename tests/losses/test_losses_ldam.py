"""LDAM: the paper's margins, its limit, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, LdamLoss


def test_margins_are_those_of_the_paper() -> None:
    # n^(-1/4) of 10 000, 625 and 1 is 0.1, 0.2 and 1; the largest becomes max_margin.
    margins = LdamLoss(max_margin=0.5).margins(np.array([10_000, 625, 1]) / 10_626)
    np.testing.assert_allclose(margins, [0.05, 0.1, 0.5])


def test_an_absent_class_has_the_margin_of_the_rarest() -> None:
    margins = LdamLoss().margins(np.array([0.9, 0.1, 0.0]))
    assert margins[2] == margins[1] == 0.5


def test_without_margins_it_is_cross_entropy_of_scaled_logits() -> None:
    z = np.random.default_rng(0).uniform(-1, 1, size=(20, 4))
    codes, priors = np.arange(20) % 4, np.array([0.4, 0.3, 0.2, 0.1])
    value, gradient = LdamLoss(0, 10).bind(priors)(z, codes)
    expected, slope = CrossEntropyLoss().bind(priors)(10 * z, codes)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(gradient, 10 * slope)


@pytest.mark.parametrize("bad", [{"max_margin": -1}, {"scale": 0}, {"scale": float("inf")}])
def test_what_is_out_of_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="ldam: "):
        LdamLoss(**bad)
