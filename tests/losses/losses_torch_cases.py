"""Every torch loss, found by looking, with data it takes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import steelyard.losses.torch as package  # noqa: E402
from steelyard.losses.torch._base import TorchLoss  # noqa: E402
from steelyard.losses.torch._elementwise import SigmoidLoss  # noqa: E402
from steelyard.losses.torch._regions import RegionLoss  # noqa: E402

C = 3
#: Arguments that have no default.
NEEDED: dict[str, tuple[Any, ...]] = {
    "LogitAdjusted": ([70, 20, 10],),
    "LDAM": ([70, 20, 10],),
    "CostSensitive": ([[0.0, 1.0, 2.0], [3.0, -1.0, 1.0], [9.0, 4.0, 0.0]],),
}


def discover() -> list[type[TorchLoss]]:
    """Subclasses of TorchLoss in the public modules of the package, in alphabetical order."""
    found = {}
    for info in pkgutil.iter_modules(package.__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for value in vars(module).values():
                if isinstance(value, type) and issubclass(value, TorchLoss) and value.__module__ == module.__name__:
                    found[value.__name__] = value
    return [found[name] for name in sorted(found)]


LOSSES = discover()
every_loss = pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)


def make(cls: type[TorchLoss], **options: Any) -> TorchLoss:
    return cls(*NEEDED.get(cls.__name__, ()), **options)


def generator(seed: int) -> torch.Generator:
    """Random numbers on the device that tensors are made on."""
    return torch.Generator(torch.get_default_device()).manual_seed(seed)


def batch(cls: type[TorchLoss], n: int = 6, dtype: Any = torch.float64, seed: int = 0) -> tuple[Any, Any]:
    """Logits and a target; cosines in size, so that LDAM takes them too."""
    draw = generator(seed)
    shape = (n, C, 4) if issubclass(cls, RegionLoss) else (n, C)
    logits = torch.rand(shape, generator=draw, dtype=dtype) * 1.9 - 0.95
    if issubclass(cls, SigmoidLoss):
        return logits, (torch.rand(shape, generator=draw) < 0.4).to(dtype)
    return logits, torch.randint(C, (n, *shape[2:]), generator=draw)


def gradient(call: Callable[[Any], Any], logits: Any) -> Any:
    z = logits.detach().clone().requires_grad_()
    (found,) = torch.autograd.grad(call(z), z)
    return found
