"""Second derivatives of every loss: against differences of its gradient, and against torch's second derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss, Loss
from steelyard.losses._base import differences
from steelyard.registry import components

PRIORS = np.array([0.7, 0.2, 0.1])
LOSSES = [
    *(cls() for cls in components("loss").values() if cls.multiclass),
    FocalLoss(0.0),
    FocalLoss(0.5),
    FocalLoss(1.0),
    FocalLoss(5.0),
]


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(scale=3, size=(60, 3))


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(1).integers(3, size=60)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_it_is_the_slope_of_the_gradient(loss: Loss, logits: np.ndarray, codes: np.ndarray) -> None:
    expected = differences(loss.bind(PRIORS), logits, codes, step=1e-5)
    np.testing.assert_allclose(loss.bind_curvature(PRIORS)(logits, codes), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_focals_is_torchs(gamma: float, logits: np.ndarray, codes: np.ndarray) -> None:
    torch = pytest.importorskip("torch")

    def of_one(z: object, code: int) -> object:
        log_p = torch.log_softmax(z, dim=0)[code]
        return -((1 - log_p.exp()) ** gamma) * log_p

    for z, code in zip(logits[:20], codes[:20], strict=True):
        full = torch.autograd.functional.hessian(lambda z, code=code: of_one(z, int(code)), torch.tensor(z))
        found = FocalLoss(gamma).bind_curvature(PRIORS)(z[None], np.array([code]))[0]
        np.testing.assert_allclose(found, full.diagonal().numpy(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_saturated_logits_stay_finite(loss: Loss) -> None:
    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0], [40.0, -40.0, 0.0], [0.0, 0.0, 0.0]])
    for code in range(3):
        assert np.isfinite(loss.bind_curvature(PRIORS)(z, np.full(4, code))).all()


def test_a_loss_without_a_formula_of_its_own_gets_differences(logits: np.ndarray, codes: np.ndarray) -> None:
    class Plain(Loss):
        def bind(self, priors: np.ndarray) -> object:  # type: ignore[override]
            return LogitAdjustedLoss(0.5).bind(priors)

    expected = LogitAdjustedLoss(0.5).bind_curvature(PRIORS)(logits, codes)
    np.testing.assert_allclose(Plain().bind_curvature(PRIORS)(logits, codes), expected, atol=1e-7)
    assert CrossEntropyLoss().bind_curvature(PRIORS)(np.zeros((1, 2)), np.array([0])).tolist() == [[0.25, 0.25]]
