"""A loss in the form trees take it: finite differences, the floor, the start, the scale."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss, Loss
from steelyard.models._margins import MarginLoss, probabilities_of

LOSSES = [FocalLoss(0), FocalLoss(0.5), FocalLoss(2), LogitAdjustedLoss(1), CrossEntropyLoss()]


def bound(loss: Loss, n_classes: int, floor: float = 1e-9) -> MarginLoss:
    counts = np.array([70.0, 20.0, 10.0][:n_classes])
    return MarginLoss(loss, counts, counts * [1, 2, 4][:n_classes], factor=1.0, floor=floor)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_derivatives_are_those_of_the_weighted_loss(loss: Loss, n_classes: int) -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(scale=2, size=(40,) if n_classes == 2 else (40, n_classes))
    codes, weight = rng.integers(n_classes, size=40), rng.uniform(0.5, 2, 40)
    made = bound(loss, n_classes)

    def value(shift: np.ndarray) -> np.ndarray:
        return weight * made.value(margins + shift, codes)

    gradient, hessian = made.derivatives(margins, codes, weight)
    for unit in [np.float64(1.0)] if n_classes == 2 else np.eye(n_classes):
        h = 1e-4 * unit
        slope, bend = (value(h) - value(-h)) / 2e-4, (value(h) - 2 * value(0 * h) + value(-h)) / 1e-8
        ours = [part if n_classes == 2 else part @ unit for part in (gradient, hessian)]
        np.testing.assert_allclose(ours[0], slope, atol=1e-6)
        # The floor is next to nothing here, so only where focal is not convex do they differ.
        np.testing.assert_allclose(ours[1], np.maximum(bend, 0), atol=2e-6)


def test_the_floor_keeps_a_step_no_longer_than_cross_entropys() -> None:
    """Without it the sum in a leaf can be 0 or below, and the leaf's value of any size and sign."""
    wrong = np.array([-5.0, -4.0, -3.0])
    codes = np.ones(3, dtype=int)
    bare = bound(FocalLoss(5), 2)
    assert (bare._curvature(np.column_stack([0 * wrong, wrong]), codes)[:, 1] < 0).all()
    gradient, hessian = bound(FocalLoss(5), 2, floor=1.0).derivatives(wrong, codes)
    plain = bound(CrossEntropyLoss(), 2).derivatives(wrong, codes)
    assert (np.abs(gradient / hessian) <= np.abs(plain[0] / plain[1]) * (1 + 1e-9)).all()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_start_is_the_best_constant(loss: Loss) -> None:
    made = bound(loss, 2)
    codes = np.array([0, 1])
    best = minimize_scalar(lambda z: made.mass @ made.value(np.array([z, z]), codes), bounds=(-9, 9), method="bounded")
    assert made.start == pytest.approx([best.x], abs=1e-4)


def test_the_start_of_weighted_cross_entropy_is_the_weighted_shares() -> None:
    np.testing.assert_allclose(
        probabilities_of(bound(CrossEntropyLoss(), 3).start[None])[0], np.array([70, 40, 40]) / 150
    )


@pytest.mark.parametrize("floor", [0, -1, 1.5, float("nan")])
def test_a_floor_outside_its_range_is_refused(floor: float) -> None:
    with pytest.raises(UsageError, match="hessian_floor must be above 0"):
        bound(FocalLoss(), 2, floor)
