"""Samplers: labels -> the rows a model sees, and how often."""

from __future__ import annotations

from steelyard.samplers._base import Sampling
from steelyard.samplers.balanced import Balanced
from steelyard.samplers.shuffled import Shuffled

__all__ = ["Balanced", "Sampling", "Shuffled"]
