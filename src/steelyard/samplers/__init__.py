"""Samplers: labels -> the rows a model sees, and how often.

Classes that end in ``Sampler`` are for data loaders; the others fill the sampling slot of a strategy.
"""

from __future__ import annotations

from steelyard.samplers._audit import Audit
from steelyard.samplers._base import Sampling
from steelyard.samplers._batches import Batches
from steelyard.samplers._loader import LoaderSampler
from steelyard.samplers.balanced import Balanced
from steelyard.samplers.class_balanced import ClassBalancedSampler
from steelyard.samplers.duration_weighted import DurationWeightedSampler
from steelyard.samplers.mixup import Mixup
from steelyard.samplers.oversample import Oversample
from steelyard.samplers.repeat_factor import RepeatFactor, RepeatFactorSampler
from steelyard.samplers.sequence import SequenceSampler
from steelyard.samplers.sequence_weighted import SequenceWeighted
from steelyard.samplers.shuffled import Shuffled
from steelyard.samplers.smote import Smote
from steelyard.samplers.sqrt_balanced import SqrtBalanced
from steelyard.samplers.undersample import Undersample
from steelyard.samplers.weighted import WeightedSampler

__all__ = [
    "Audit",
    "Balanced",
    "Batches",
    "ClassBalancedSampler",
    "DurationWeightedSampler",
    "LoaderSampler",
    "Mixup",
    "Oversample",
    "RepeatFactor",
    "RepeatFactorSampler",
    "Sampling",
    "SequenceSampler",
    "SequenceWeighted",
    "Shuffled",
    "Smote",
    "SqrtBalanced",
    "Undersample",
    "WeightedSampler",
]
