"""Where networks are trained: on the processor, or side by side on a GPU."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec

from steelyard.errors import MissingExtraError, UsageError

DEVICES = ("auto", "cpu", "cuda")


def sees_cuda() -> bool:
    """Whether PyTorch is there and can use a CUDA GPU; without a driver PyTorch is not even loaded."""
    if find_spec("torch") is None or not _has_driver():
        return False
    import torch

    return bool(torch.cuda.is_available())


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


def cuda_name() -> str:
    """GPU that is used, and the PyTorch it is used by."""
    import torch

    return f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}"


@cache
def _has_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
