"""Losses inside a user's torch.compile, and compiled by themselves: no graph break, the same numbers."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator

import pytest

torch = pytest.importorskip("torch")

from losses_torch_cases import batch, every_loss, gradient, make  # noqa: E402

from steelyard.errors import UsageError  # noqa: E402
from steelyard.losses import Focal, SigmoidFocal, compile_policy  # noqa: E402
from steelyard.losses.torch import _compiling  # noqa: E402
from steelyard.losses.torch._base import TorchLoss  # noqa: E402

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inductor's own deprecations
        yield
    compile_policy("auto")


@every_loss
def test_no_graph_break(cls: type[TorchLoss]) -> None:
    # The graph is what matters here, not the machine code: aot_eager needs no C++ compiler and half a second.
    z, y = batch(cls, 8, torch.float32)
    loss = make(cls, weight=[0.5, 1.0, 2.0])
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(z, y), loss(z, y))
    torch.testing.assert_close(gradient(lambda z: compiled(z, y), z), gradient(lambda z: loss(z, y), z))


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("cls", [Focal, SigmoidFocal], ids=lambda cls: cls.__name__)
def test_compiled_kernel_gives_the_same(cls: type[TorchLoss]) -> None:
    z, y = batch(cls, 3000, torch.float32)
    loss = make(cls, weight=[0.5, 1.0, 2.0])
    plain, slope = loss(z, y), gradient(lambda z: loss(z, y), z)
    compile_policy("always")
    torch.testing.assert_close(loss(z, y), plain, rtol=2e-6, atol=0)
    torch.testing.assert_close(gradient(lambda z: loss(z, y), z), slope, rtol=2e-6, atol=1e-10)
    assert _compiling._compiled[cls.kernel if cls is SigmoidFocal else cls.hard] is not None


def test_where_compiling_fails_the_eager_kernel_steps_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        def call(*_: object) -> None:
            raise RuntimeError("no C++ compiler")

        return call

    z, y = batch(Focal, 10)
    plain = Focal()(z, y)
    monkeypatch.setattr(_compiling, "_compiled", {})
    monkeypatch.setattr(torch, "compile", broken)
    compile_policy("always")
    torch.testing.assert_close(Focal()(z, y), plain)


def test_auto_compiles_from_the_second_large_call_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compiling, "_calls", {})
    small, large = torch.zeros(10, 10), torch.zeros(_compiling.LARGE)
    asked = [_compiling._wanted(Focal.hard, z) for z in (small, large, small, large, large)]
    assert asked == [False, False, False, True, True]
    compile_policy("never")
    assert not _compiling._wanted(Focal.hard, large)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(UsageError, match="'auto', 'always' or 'never'"):
        compile_policy("sometimes")  # type: ignore[arg-type]
