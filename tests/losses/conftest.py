"""The devices that the torch losses are tested on."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

DEVICES = ["cpu"]
if importlib.util.find_spec("torch"):
    import torch

    DEVICES += ["cuda"] * torch.cuda.is_available()


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each device there is, as the one that tensors are made on."""
    if request.param == "cpu":
        yield "cpu"
        return
    torch.set_default_device(request.param)
    yield request.param
    torch.set_default_device(None)
