"""What is done about imbalance, as one value: :class:`Strategy`, its text form, presets and conflicts."""

from __future__ import annotations

from steelyard.strategy.conflicts import conflicts
from steelyard.strategy.presets import MULTILABEL_PRESETS, PRESETS, parse_strategies, preset
from steelyard.strategy.value import SLOTS, Strategy

__all__ = ["MULTILABEL_PRESETS", "PRESETS", "SLOTS", "Strategy", "conflicts", "parse_strategies", "preset"]
