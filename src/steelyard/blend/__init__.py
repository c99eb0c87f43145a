"""Blends of arms: which arms to try, their out-of-fold scores, how much of each, and the fits on all rows."""

from __future__ import annotations

from steelyard.blend.arms import auto_trainings, trainings_of
from steelyard.blend.blend import ArmRecord, BlendResult, OutOfFold, check_models, fit_blend
from steelyard.blend.calibration import Calibration, class_factors
from steelyard.blend.mixture import Blend, Member, mix
from steelyard.blend.race import Clock
from steelyard.blend.selection import greedy_weights

__all__ = [
    "ArmRecord",
    "Blend",
    "BlendResult",
    "Calibration",
    "Clock",
    "Member",
    "OutOfFold",
    "auto_trainings",
    "check_models",
    "class_factors",
    "fit_blend",
    "greedy_weights",
    "mix",
    "trainings_of",
]
