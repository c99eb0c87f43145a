"""Focal loss: its limit, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss


def test_gamma_zero_is_cross_entropy() -> None:
    z = np.random.default_rng(0).normal(size=(20, 4))
    codes = np.arange(20) % 4
    priors = np.full(4, 0.25)
    for ours, theirs in zip(
        FocalLoss(0).bind(priors)(z, codes), CrossEntropyLoss().bind(priors)(z, codes), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-14)


@pytest.mark.parametrize("gamma", [-1, float("nan")])
def test_a_negative_gamma_is_refused(gamma: float) -> None:
    with pytest.raises(UsageError, match="gamma must be at least 0"):
        FocalLoss(gamma)
