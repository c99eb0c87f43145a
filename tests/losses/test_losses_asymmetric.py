"""Asymmetric loss: its limits, its clip, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import AsymmetricLoss, CrossEntropyLoss, FocalLoss

PRIORS = np.full(4, 0.3)
LOGITS = np.random.default_rng(0).normal(scale=2, size=(20, 4))
TARGETS = (np.random.default_rng(1).random((20, 4)) < 0.3).astype(float)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(AsymmetricLoss(0, 0, 0), CrossEntropyLoss()), (AsymmetricLoss(2, 2, 0), FocalLoss(2))],
    ids=str,
)
def test_its_limits_are_cross_entropy_and_focal(ours: AsymmetricLoss, theirs: FocalLoss | CrossEntropyLoss) -> None:
    for found, expected in zip(
        ours.bind_multilabel(PRIORS)(LOGITS, TARGETS), theirs.bind_multilabel(PRIORS)(LOGITS, TARGETS), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-13)


def test_a_negative_below_the_clip_costs_nothing() -> None:
    # sigmoid(-3) = 0.047, sigmoid(-2.9) = 0.052
    value, gradient = AsymmetricLoss(clip=0.05).bind_multilabel(PRIORS)(np.array([[-3.0, -2.9]]), np.zeros((1, 2)))
    assert value[0, 0] == 0 == gradient[0, 0]
    assert value[0, 1] > 0
    assert gradient[0, 1] > 0


@pytest.mark.parametrize("bad", [{"gamma_neg": -1}, {"gamma_pos": float("nan")}, {"clip": 1}, {"clip": -0.1}])
def test_what_is_out_of_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="asymmetric: "):
        AsymmetricLoss(**bad)
