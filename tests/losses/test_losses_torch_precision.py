"""Float32 values and gradients against 60 digits, for logits up to +-1e4."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
mpmath = pytest.importorskip("mpmath")

from steelyard.losses import BinaryCrossEntropy, CrossEntropy, Focal, Poly, SigmoidFocal, compile_policy  # noqa: E402

pytestmark = pytest.mark.usefixtures("device")

SIZES = (0, 1e-3, 0.1, 0.5, 1, 2, 3, 5, 8, 11, 14, 17, 20, 30, 50, 80, 100, 300, 1e3, 1e4)
LOGITS = sorted({sign * size for size in SIZES for sign in (1, -1)})
GAMMAS = (0, 0.5, 1, 2, 5)


@pytest.fixture(autouse=True)
def digits() -> Iterator[None]:
    with mpmath.workdps(60):
        yield


def close(found: float, true: Any, tolerance: float) -> bool:
    if abs(true) < mpmath.mpf(10) ** -30:
        return abs(found) < 2e-30
    return bool(abs(mpmath.mpf(found) - true) <= tolerance * abs(true))


def focal_of(log_p: Any, miss: Any, gamma: float) -> tuple[Any, Any]:
    """Value, and derivative by log p."""
    p = mpmath.exp(log_p)
    modulation = miss**gamma if gamma else mpmath.mpf(1)
    return -modulation * log_p, -modulation * (1 - gamma * p * log_p / miss)


def both(loss: Any, z: Any, y: Any) -> tuple[Any, Any]:
    """Losses of the elements, and the gradient of their sum through the path that reduces."""
    z = z.detach().clone().requires_grad_()
    loss.reduction = "none"
    values = loss(z, y).detach()
    loss.reduction = "sum"
    (slope,) = torch.autograd.grad(loss(z, y), z)
    assert values.isfinite().all()
    assert slope.isfinite().all()
    return values, slope


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inductor's own deprecations
        torch._dynamo.reset()
        yield compile_policy(request.param)
    compile_policy("auto")


@pytest.mark.parametrize(
    ("policy", "gamma"), [*(("never", gamma) for gamma in GAMMAS), ("always", 5)], indirect=["policy"]
)
def test_sigmoid_focal(policy: str, gamma: float) -> None:
    # torchvision: NaN gradient at gamma=.5 past |logit| 17; loss 0 instead of 1.9e-22 at logit 50.
    z = torch.tensor([LOGITS, LOGITS], dtype=torch.float32)
    y = torch.tensor([[1.0], [0.0]]).expand_as(z)
    soft = torch.tensor([[1.0], [0.0], [0.25]]).expand(3, len(LOGITS))  # one label of 1/4 makes it take both sides
    many = (z.repeat(1, 300), y.repeat(1, 300))  # large inputs take the logarithm another way
    for values, slope in (
        both(SigmoidFocal(gamma), z, y),
        both(SigmoidFocal(gamma), *many),
        both(SigmoidFocal(gamma), torch.cat([z, z[:1]]), soft),
        *([both(BinaryCrossEntropy(), z, y), both(BinaryCrossEntropy(), *many)] if gamma == 0 else []),
    ):
        for row, sign in ((0, 1), (1, -1)):
            for place, logit in enumerate(z[row].tolist()):
                turned = sign * mpmath.mpf(logit)
                miss = 1 / (1 + mpmath.exp(turned))
                value, by_log_p = focal_of(-mpmath.log1p(mpmath.exp(-turned)), miss, gamma)
                assert close(values[row, place].item(), value, 1e-6), (row, logit)
                assert close(slope[row, place].item(), sign * by_log_p * miss, 1e-6), (row, logit)


@pytest.mark.parametrize("rows", [1, 9000])
def test_a_small_alpha_keeps_its_digits(rows: int) -> None:
    z = torch.zeros(rows, 1, requires_grad=True)
    loss = SigmoidFocal(0.0, alpha=1e-7, reduction="none")(z, torch.ones(rows, 1))
    assert loss[0].item() == pytest.approx(1e-7 * 0.6931471805599453, rel=1e-6)
    (slope,) = torch.autograd.grad(loss.sum(), z)
    assert slope[0].item() == pytest.approx(-0.5e-7, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "gamma"),
    [*((Focal(gamma), gamma) for gamma in GAMMAS), (CrossEntropy(), 0), (Poly(1.0), None)],
    ids=lambda part: str(part) if not isinstance(part, torch.nn.Module) else type(part).__name__,
)
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_softmax_losses(loss: Any, gamma: float | None, soft: bool) -> None:
    rows = [[a, b, c] for a in LOGITS[::2] for b, c in ((0.0, 0.7), (a / 2 + 0.1, -a))]
    z = torch.tensor(rows, dtype=torch.float32)
    for true in range(3):
        y = torch.full((len(rows),), true)
        values, slope = both(loss, z, torch.nn.functional.one_hot(y, 3).float() if soft else y)
        for row, logits in enumerate(z.tolist()):
            exact = [mpmath.mpf(logit) for logit in logits]
            tolerance = 1e-6 * max(1, float(max(exact) - min(exact)))
            whole = mpmath.fsum(mpmath.exp(logit) for logit in exact)
            p = [mpmath.exp(logit) / whole for logit in exact]
            miss = mpmath.fsum(p[k] for k in range(3) if k != true)
            log_p = mpmath.log1p(-miss) if miss < 0.5 else exact[true] - mpmath.log(whole)
            value, by_log_p = focal_of(log_p, miss, gamma) if gamma is not None else (miss - log_p, -1 - p[true])
            assert close(values[row].item(), value, tolerance), (true, logits)
            for k in range(3):
                expected = by_log_p * miss if k == true else -by_log_p * p[k]
                assert close(slope[row, k].item(), expected, tolerance), (true, logits, k)
