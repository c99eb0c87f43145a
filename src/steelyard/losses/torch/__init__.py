"""Losses as PyTorch modules, for a training loop of one's own.

Reached as ``steelyard.losses.CrossEntropy`` and so on; torch is imported only when one of them is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from steelyard.errors import MissingExtraError

#: Public name -> the module here that holds it.
MODULES = {
    "Asymmetric": "asymmetric",
    "BinaryCrossEntropy": "binary_cross_entropy",
    "CosineLinear": "cosine_linear",
    "CostSensitive": "cost_sensitive",
    "CrossEntropy": "cross_entropy",
    "Dice": "dice",
    "Focal": "focal",
    "FocalTversky": "focal_tversky",
    "LDAM": "ldam",
    "LogitAdjusted": "logit_adjusted",
    "Poly": "poly",
    "SigmoidFocal": "sigmoid_focal",
    "SuspectedRare": "suspected_rare",
    "Tversky": "tversky",
    "compile_policy": "_compiling",
}

__all__ = sorted(MODULES)


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        importlib.import_module("torch")
    except ImportError:
        raise MissingExtraError("torch", f"losses.{name}") from None
    value = getattr(importlib.import_module(f"{__name__}.{MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(MODULES)
