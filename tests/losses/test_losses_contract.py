"""Contract of every loss, found by discovery: the reference is torch's autograd in float64."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import AsymmetricLoss, CrossEntropyLoss, FocalLoss, LdamLoss, LogitAdjustedLoss, Loss
from steelyard.registry import components, parse

torch = pytest.importorskip("torch")

EVERY = [cls() for cls in components("loss").values()]
LOSSES = [loss for loss in EVERY if loss.multiclass]
SEVERAL = [loss for loss in EVERY if loss.multilabel]
PRIORS = np.array([0.7, 0.2, 0.1])


def torch_loss(loss: Loss, logits: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """The published formula, written with torch's own functions."""
    if isinstance(loss, LogitAdjustedLoss):
        logits = logits + loss.tau * torch.log(torch.tensor(PRIORS))
    if isinstance(loss, LdamLoss):
        margins = torch.tensor(loss.margins(PRIORS))[codes, None] * torch.nn.functional.one_hot(codes, 3)
        return torch.nn.functional.cross_entropy(loss.scale * (logits - margins), codes, reduction="none")
    log_p = torch.log_softmax(logits, dim=1).gather(1, codes[:, None])[:, 0]
    if isinstance(loss, FocalLoss):
        return -((1 - log_p.exp()) ** loss.gamma) * log_p
    assert isinstance(loss, CrossEntropyLoss | LogitAdjustedLoss), f"say how torch computes {loss.name}"
    smoothing = loss.label_smoothing if isinstance(loss, CrossEntropyLoss) else 0.0
    return torch.nn.functional.cross_entropy(logits, codes, reduction="none", label_smoothing=smoothing)


def torch_sigmoid_loss(loss: Loss, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The published formula for independent sigmoids."""
    if isinstance(loss, LogitAdjustedLoss):
        logits = logits + loss.tau * torch.logit(torch.tensor(PRIORS))
    if isinstance(loss, CrossEntropyLoss):
        targets = targets * (1 - loss.label_smoothing) + loss.label_smoothing / 2
    p = torch.sigmoid(logits)
    gamma_pos = gamma_neg = clip = 0.0
    if isinstance(loss, FocalLoss):
        gamma_pos = gamma_neg = loss.gamma
    if isinstance(loss, AsymmetricLoss):
        gamma_pos, gamma_neg, clip = loss.gamma_pos, loss.gamma_neg, loss.clip
    left = (p - clip).clamp(min=0)
    return -targets * (1 - p) ** gamma_pos * p.log() - (1 - targets) * left**gamma_neg * (1 - left).log()


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(scale=3, size=(60, 3))


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(1).integers(3, size=60)


@pytest.mark.parametrize(
    "loss",
    [*LOSSES, FocalLoss(0.5), FocalLoss(5.0), LogitAdjustedLoss(2.0), CrossEntropyLoss(0.3), LdamLoss(1.0, 2.0)],
    ids=str,
)
def test_value_and_gradient_are_torchs(loss: Loss, logits: np.ndarray, codes: np.ndarray) -> None:
    z = torch.tensor(logits, requires_grad=True)
    expected = torch_loss(loss, z, torch.tensor(codes))
    expected.sum().backward()
    value, gradient = loss.bind(PRIORS)(logits, codes)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", [*LOSSES, FocalLoss(0.0), FocalLoss(0.5), FocalLoss(1.0)], ids=str)
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_saturated_logits_stay_finite(loss: Loss, size: float) -> None:
    z = np.array([[size, -size, 0.0], [-size, size, 0.0], [0.0, 0.0, 0.0]])
    for code in range(3):
        value, gradient = loss.bind(PRIORS)(z, np.full(3, code))
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_permuting_the_classes_permutes_the_gradient(loss: Loss, logits: np.ndarray, codes: np.ndarray) -> None:
    order = np.array([2, 0, 1])
    value, gradient = loss.bind(PRIORS)(logits, codes)
    moved_value, moved = loss.bind(PRIORS[order])(logits[:, order], np.argsort(order)[codes])
    np.testing.assert_allclose(moved_value, value)
    np.testing.assert_allclose(moved, gradient[:, order], atol=1e-14)


OTHERS = [FocalLoss(0.5), CrossEntropyLoss(0.3), AsymmetricLoss(2, 0, 0), AsymmetricLoss(3.5, 0.5, 0.2)]


@pytest.mark.parametrize("loss", [*SEVERAL, *OTHERS], ids=str)
def test_the_loss_of_several_labels_is_torchs(loss: Loss, logits: np.ndarray) -> None:
    targets = (np.random.default_rng(2).random(logits.shape) < 0.4).astype(float)
    z = torch.tensor(logits, requires_grad=True)
    expected = torch_sigmoid_loss(loss, z, torch.tensor(targets))
    expected.sum().backward()
    value, gradient = loss.bind_multilabel(PRIORS)(logits, targets)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("loss", [*SEVERAL, *OTHERS], ids=str)
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_several_labels_stay_finite_and_a_gap_costs_nothing(loss: Loss, size: float) -> None:
    z = np.array([[size, -size, 0.0], [-size, size, 0.0], [1.0, size, -size]])
    targets = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [np.nan, np.nan, np.nan]])
    value, gradient = loss.bind_multilabel(PRIORS)(z, targets)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    assert not value[2].any()
    assert not gradient[2].any()


def test_a_loss_of_several_labels_says_so() -> None:
    with pytest.raises(UsageError, match="asymmetric: for rows with several labels only"):
        AsymmetricLoss().bind(PRIORS)


@pytest.mark.parametrize("loss", EVERY, ids=str)
def test_text_and_dict_forms_come_back(loss: Loss) -> None:
    assert parse("loss", str(loss)) == loss


def test_an_absent_class_keeps_the_adjusted_loss_finite() -> None:
    value, gradient = LogitAdjustedLoss().bind(np.array([0.9, 0.1, 0.0]))(np.zeros((1, 3)), np.array([0]))
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


def torch_multilabel_loss(loss: Loss, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The published formula of independent sigmoids, written with torch's own functions."""
    functional = torch.nn.functional
    if isinstance(loss, LogitAdjustedLoss):
        logits = logits + loss.tau * torch.logit(torch.tensor(PRIORS))
    entries = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    if isinstance(loss, FocalLoss):
        return (1 - torch.exp(-entries)) ** loss.gamma * entries
    assert isinstance(loss, CrossEntropyLoss | LogitAdjustedLoss), f"say how torch computes {loss.name}"
    return entries


OWN = (CrossEntropyLoss, FocalLoss, LogitAdjustedLoss)
MULTILABEL = [loss for loss in LOSSES if isinstance(loss, OWN)]


@pytest.mark.parametrize("loss", [*MULTILABEL, FocalLoss(0.5), FocalLoss(5.0), LogitAdjustedLoss(2.0)], ids=str)
def test_multilabel_value_and_gradient_are_torchs_and_unknown_entries_have_none(
    loss: Loss, logits: np.ndarray, codes: np.ndarray
) -> None:
    targets = (codes[:, None] == np.arange(3)).astype(float)
    unknown = np.random.default_rng(2).random(targets.shape) < 0.2
    z = torch.tensor(logits, requires_grad=True)
    expected = torch_multilabel_loss(loss, z, torch.tensor(targets)) * torch.tensor(~unknown)
    expected.sum().backward()
    value, gradient = loss.bind_multilabel(PRIORS)(logits, np.where(unknown, np.nan, targets))
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("loss", [*MULTILABEL, FocalLoss(0.0), FocalLoss(0.5), FocalLoss(1.0)], ids=str)
def test_multilabel_saturated_logits_and_lopsided_shares_stay_finite(loss: Loss) -> None:
    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
    for target in (0.0, 1.0):
        value, gradient = loss.bind_multilabel(np.array([0.0, 1.0, 0.3]))(z, np.full(z.shape, target))
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", MULTILABEL, ids=str)
def test_logits_by_columns_and_in_single_precision_are_the_same(
    loss: Loss, logits: np.ndarray, codes: np.ndarray
) -> None:
    by_rows, by_columns = loss.bind(PRIORS)(logits, codes), loss.bind(PRIORS)(np.asfortranarray(logits), codes)
    single = loss.bind(PRIORS)(np.asfortranarray(logits, dtype=np.float32), codes)
    for expected, same, near in zip(by_rows, by_columns, single, strict=True):
        np.testing.assert_allclose(same, expected, atol=1e-14)
        np.testing.assert_allclose(near, expected, rtol=1e-4, atol=1e-5)
        assert near.dtype == np.float32
    assert by_columns[1].flags.f_contiguous
