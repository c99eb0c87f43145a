"""Label counts to class weights, and class weights to rows.

A scheme is one file here; its class is found by its name (``steelyard.weighting.Inverse``).
"""

from __future__ import annotations

from typing import Any

from steelyard import registry
from steelyard.weighting._base import Weighting
from steelyard.weighting._class_weights import ClassWeights, class_weights
from steelyard.weighting._pos_weights import pos_weights
from steelyard.weighting._sample_weights import sample_weights, sequence_weights

__all__ = [
    "ClassWeights",
    "Weighting",
    "class_weights",
    "pos_weights",
    "sample_weights",
    "sequence_weights",
]


def __getattr__(name: str) -> Any:
    # Only capitalised names can be components: asking the registry for others would import in a circle.
    if name[:1].isupper():
        for cls in registry.components("weighting").values():
            if cls.__name__ == name:
                return cls
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *(cls.__name__ for cls in registry.components("weighting").values())])
