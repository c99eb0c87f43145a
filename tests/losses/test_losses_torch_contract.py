"""What every torch loss promises, checked on all that are found; the reference is finite differences in float64."""

from __future__ import annotations

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from losses_torch_cases import LOSSES, C, batch, every_loss, generator, gradient, make  # noqa: E402

import steelyard as sy  # noqa: E402
from steelyard.losses.torch._base import TorchLoss  # noqa: E402
from steelyard.losses.torch._elementwise import SigmoidLoss  # noqa: E402
from steelyard.losses.torch._regions import RegionLoss  # noqa: E402
from steelyard.losses.torch._softmax import SoftmaxLoss  # noqa: E402

pytestmark = pytest.mark.usefixtures("device")


def test_all_losses_are_found_and_public() -> None:
    names = {cls.__name__ for cls in LOSSES}
    assert len(names) == 12
    assert names <= set(sy.losses.__all__)
    assert set(dir(sy.losses)) == set(sy.losses.__all__)
    assert all(getattr(sy.losses, name) is not None for name in sy.losses.__all__)


def test_torch_is_not_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys, steelyard.losses, steelyard.registry as r; r.components('loss'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_torch_the_extra_is_named() -> None:
    code = "import sys; sys.modules['torch'] = None; import steelyard.losses as l; l.Focal"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'steelyard[torch]'" in done.stderr


@every_loss
def test_gradcheck(cls: type[TorchLoss]) -> None:
    z, y = batch(cls, 4)
    z.requires_grad_()
    weight = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    for options in ({}, {"weight": weight}, {"weight": weight, "reduction": "weighted_mean"}, {"reduction": "none"}):
        loss = make(cls, **options)
        assert torch.autograd.gradcheck(lambda z, loss=loss: loss(z, y), (z,))
    assert torch.autograd.gradgradcheck(lambda z: make(cls)(z, y), (z,))


@pytest.mark.parametrize("cls", [cls for cls in LOSSES if issubclass(cls, SoftmaxLoss)], ids=lambda cls: cls.__name__)
def test_gradcheck_of_soft_and_smoothed_targets(cls: type[TorchLoss]) -> None:
    z, y = batch(cls, 4)
    z.requires_grad_()
    soft = torch.softmax(torch.randn(4, C, dtype=torch.float64, generator=generator(1)), 1)
    sample_weight = torch.tensor([1.0, 0.0, 2.0, 0.5])
    weight = [0.5, 1.0, 2.0]
    for target, smoothing in ((soft, 0.0), (soft, 0.1), (y, 0.1)):
        loss = make(cls, weight=weight, label_smoothing=smoothing)
        assert torch.autograd.gradcheck(lambda z, loss=loss, target=target: loss(z, target, sample_weight), (z,))


@every_loss
def test_permuting_examples_and_turning_dimensions_changes_nothing(cls: type[TorchLoss]) -> None:
    z, y = batch(cls, 6)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(make(cls)(z[order], y[order]), make(cls)(z, y))
    turned = (z.movedim(1, -1), y.movedim(1, -1) if y.is_floating_point() else y)
    torch.testing.assert_close(make(cls, class_dim=-1)(*turned), make(cls)(z, y))


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(cls: type[TorchLoss], dtype: torch.dtype) -> None:
    z, y = batch(cls, 6, torch.float32)
    z = z.to(dtype)
    loss = make(cls, weight=[0.5, 1.0, 1e-9]).to(dtype)
    assert loss(z, y).dtype == torch.float32
    torch.testing.assert_close(loss(z, y), make(cls, weight=[0.5, 1.0, 1e-9])(z.float(), y))
    assert gradient(lambda z: loss(z, y), z).dtype == dtype
    assert make(cls, dtype=torch.float64)(z, y).dtype == torch.float64


@every_loss
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_saturated_logits_stay_finite(cls: type[TorchLoss], size: float, device: str) -> None:
    z, y = batch(cls, 6, torch.float32)
    z = z.sign() * size
    loss = make(cls)
    if cls.__name__ == "LDAM" and device == "cpu":
        with pytest.warns(UserWarning, match="LDAM expects cosines"):
            loss(z, y)
    assert loss(z, y).isfinite()
    assert gradient(lambda z: loss(z, y), z).isfinite().all()


@every_loss
def test_all_ignored_is_zero_with_zero_gradient(cls: type[TorchLoss]) -> None:
    # torch.nn.CrossEntropyLoss: NaN.
    z, y = batch(cls)
    nothing = torch.full_like(y, float("nan") if issubclass(cls, SigmoidLoss) else -100)
    for reduction in ("mean", "weighted_mean", "sum"):
        loss = make(cls, reduction=reduction)
        assert loss(z, nothing).item() == 0
        assert (gradient(lambda z, loss=loss: loss(z, nothing), z) == 0).all()


@every_loss
def test_weights_move_and_are_saved(cls: type[TorchLoss]) -> None:
    z, y = batch(cls)
    loss = make(cls, weight=[0.5, 1.0, 2.0])
    other = make(cls, weight=[1.0, 1.0, 1.0])
    other.load_state_dict(loss.state_dict())
    torch.testing.assert_close(other(z, y), loss(z, y))
    assert loss.to(torch.float64).weight.dtype == torch.float64
    assert "reduction='mean'" in repr(loss)
    plain = make(cls)
    plain.set_weight([0.5, 1.0, 2.0])
    torch.testing.assert_close(plain(z, y), loss(z, y))


@every_loss
def test_no_reduction_adds_up(cls: type[TorchLoss]) -> None:
    z, y = batch(cls)
    parts = make(cls, weight=[0.5, 1.0, 2.0], reduction="none")(z, y)
    torch.testing.assert_close(parts.sum(), make(cls, weight=[0.5, 1.0, 2.0], reduction="sum")(z, y))
    elements = parts.numel() if issubclass(cls, RegionLoss | SigmoidLoss) else y.numel()
    torch.testing.assert_close(parts.sum() / elements, make(cls, weight=[0.5, 1.0, 2.0])(z, y))


@every_loss
def test_backward_may_run_twice_and_upstream_counts(cls: type[TorchLoss]) -> None:
    z, y = batch(cls)
    z.requires_grad_()
    once = gradient(lambda z: make(cls)(z, y), z)
    loss = make(cls)(z, y)
    for _ in range(3):
        loss.backward(retain_graph=True)
    torch.testing.assert_close(z.grad, 3 * once)
    torch.testing.assert_close(gradient(lambda z: 5 * make(cls)(z, y), z), 5 * once)


@every_loss
def test_blocks_and_plain_operations_agree(cls: type[TorchLoss], monkeypatch: pytest.MonkeyPatch) -> None:
    from steelyard.losses.torch import _compiling

    z, y = batch(cls, 50)
    whole, slope = make(cls)(z, y), gradient(lambda z: make(cls)(z, y), z)
    monkeypatch.setattr(_compiling, "BLOCK", 21)
    torch.testing.assert_close(make(cls)(z, y), whole)
    torch.testing.assert_close(gradient(lambda z: make(cls)(z, y), z), slope)


@every_loss
def test_empty_batch_is_zero(cls: type[TorchLoss]) -> None:
    z, y = batch(cls)
    assert make(cls)(z[:0], y[:0]).item() == 0
