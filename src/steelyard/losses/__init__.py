"""Losses: logits and a target -> a loss per example, with its gradient.

A loss returns one value for each example; weighting and reduction happen elsewhere, once.
"""

from __future__ import annotations

from steelyard.losses._base import BoundLoss, Loss
from steelyard.losses.cross_entropy import CrossEntropyLoss
from steelyard.losses.focal import FocalLoss
from steelyard.losses.logit_adjusted import LogitAdjustedLoss

__all__ = ["BoundLoss", "CrossEntropyLoss", "FocalLoss", "LogitAdjustedLoss", "Loss"]
