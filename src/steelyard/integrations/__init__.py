"""Steelyard inside the loops people already have: one module for each library, imported when it is used."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["lightgbm", "sklearn", "xgboost"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
