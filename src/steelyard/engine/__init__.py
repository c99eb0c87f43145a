"""The engine: many fits in, their scores out.

Its face is a list of plans; how they are trained (one by one, or all at once) is its own business.
"""

from __future__ import annotations

from steelyard.engine.data import EngineData, Unlabelled
from steelyard.engine.facts import TrainingFacts
from steelyard.engine.fit import FittedPipeline, fit_pipeline, fit_pipelines, given_labels
from steelyard.engine.length import is_short
from steelyard.engine.plan import FitOutcome, FitPlan, Training
from steelyard.engine.run import fit_many
from steelyard.engine.stacked import described_device
from steelyard.engine.targets import training_facts
from steelyard.engine.threads import one_thread

__all__ = [
    "EngineData",
    "FitOutcome",
    "FitPlan",
    "FittedPipeline",
    "Training",
    "TrainingFacts",
    "Unlabelled",
    "described_device",
    "fit_many",
    "fit_pipeline",
    "fit_pipelines",
    "given_labels",
    "is_short",
    "one_thread",
    "training_facts",
]
