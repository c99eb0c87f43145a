"""What the numbers of a study were made with."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING

import numpy as np

from steelyard.engine import FitPlan, described_device

if TYPE_CHECKING:
    from steelyard.study.outcome import StudyOutcome


def environment() -> dict[str, str]:
    """Versions that the numbers were made with."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("steelyard", "numpy", "scipy", "scikit-learn", "polars", "lightgbm"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def library_versions() -> dict[str, str]:
    """Versions of the libraries that scores depend on."""
    return {name: version for name, version in environment().items() if name != "platform"}


def trained_on(outcome: StudyOutcome) -> str:
    """Device that the models of a study were trained on: ``cpu``, or a GPU and what was trained on it."""
    trainings = dict.fromkeys(training for assessed in outcome.arms for training in assessed.arm.trainings)
    places = [(repeat, int(fold)) for repeat, folds in enumerate(outcome.scored.folds) for fold in np.unique(folds)]
    return described_device([FitPlan(training, *place) for training in trainings for place in places], outcome.data)
