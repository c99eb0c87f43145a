"""Where networks are trained: on the processor, or side by side on a GPU."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec
from threading import Event

from steelyard.errors import MissingExtraError, UsageError

DEVICES = ("auto", "cpu", "cuda")


#: Set once a GPU has had no room: from then on this process trains on the processor, unless told otherwise.
_given_up = Event()


class NoRoomError(Exception):
    """A device has no room for what is to be trained on it."""


def sees_cuda() -> bool:
    """Whether PyTorch is there and can use a CUDA GPU; without a driver PyTorch is not even loaded."""
    if _given_up.is_set() or find_spec("torch") is None or not _has_driver():
        return False
    import torch

    return bool(torch.cuda.is_available())


def give_up_cuda() -> None:
    """Make :func:`sees_cuda` say no from now on."""
    _given_up.set()


def require_cuda(what: str) -> None:
    """Raise where there is no CUDA GPU to train on.

    Raises
    ------
    MissingExtraError
        When PyTorch is not installed.
    UsageError
        When it sees no GPU.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("torch", what)
    import torch

    if not torch.cuda.is_available():
        raise UsageError(f"{what}: PyTorch {torch.__version__} sees no CUDA GPU; leave device out, or give device=cpu")


def device_name(device: str) -> str:
    """What a device is, and the PyTorch that it is used by."""
    import torch

    shown = torch.cuda.get_device_name() if device == "cuda" else device
    return f"{shown}, PyTorch {torch.__version__}"


@cache
def _has_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
