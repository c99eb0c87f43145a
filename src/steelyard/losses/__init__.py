"""Losses: logits and a target -> a loss per example, with its gradient.

A loss returns one value for each example; weighting and reduction happen elsewhere, once. The names with "Loss" are
the values that fill a strategy's loss slot; the others are PyTorch modules for a training loop of one's own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from steelyard.losses import schedules
from steelyard.losses._base import BoundCurvature, BoundLoss, BoundMultilabelLoss, FusedLoss, Loss
from steelyard.losses.asymmetric import AsymmetricLoss
from steelyard.losses.cross_entropy import CrossEntropyLoss
from steelyard.losses.focal import FocalLoss
from steelyard.losses.ldam import LdamLoss
from steelyard.losses.logit_adjusted import LogitAdjustedLoss

if TYPE_CHECKING:
    from steelyard.losses.torch._compiling import compile_policy
    from steelyard.losses.torch.asymmetric import Asymmetric
    from steelyard.losses.torch.binary_cross_entropy import BinaryCrossEntropy
    from steelyard.losses.torch.cosine_linear import CosineLinear
    from steelyard.losses.torch.cost_sensitive import CostSensitive
    from steelyard.losses.torch.cross_entropy import CrossEntropy
    from steelyard.losses.torch.dice import Dice
    from steelyard.losses.torch.focal import Focal
    from steelyard.losses.torch.focal_tversky import FocalTversky
    from steelyard.losses.torch.ldam import LDAM
    from steelyard.losses.torch.logit_adjusted import LogitAdjusted
    from steelyard.losses.torch.poly import Poly
    from steelyard.losses.torch.sigmoid_focal import SigmoidFocal
    from steelyard.losses.torch.suspected_rare import SuspectedRare
    from steelyard.losses.torch.tversky import Tversky

__all__ = [
    "LDAM",
    "Asymmetric",
    "AsymmetricLoss",
    "BinaryCrossEntropy",
    "BoundCurvature",
    "BoundLoss",
    "BoundMultilabelLoss",
    "CosineLinear",
    "CostSensitive",
    "CrossEntropy",
    "CrossEntropyLoss",
    "Dice",
    "Focal",
    "FocalLoss",
    "FocalTversky",
    "FusedLoss",
    "LdamLoss",
    "LogitAdjusted",
    "LogitAdjustedLoss",
    "Loss",
    "Poly",
    "SigmoidFocal",
    "SuspectedRare",
    "Tversky",
    "compile_policy",
    "schedules",
]


def __getattr__(name: str) -> Any:
    modules = importlib.import_module("steelyard.losses.torch")
    if name not in modules.MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(modules, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
