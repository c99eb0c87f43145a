"""Steelyard inside the loops people already have: one module for each library, imported when it is used."""

from __future__ import annotations

import importlib
from typing import Any

from steelyard.errors import MissingExtraError

__all__ = ["lightgbm", "lightning", "sklearn", "transformers", "xgboost"]

#: Module here -> the libraries that it cannot be imported without, and the extra that installs them.
_NEEDS = {"lightning": (("torch", "lightning"), "lightning"), "transformers": (("torch", "transformers"), "text")}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    libraries, extra = _NEEDS.get(name, ((), ""))
    for library in libraries:
        try:
            importlib.import_module(library)
        except ImportError:
            raise MissingExtraError(extra, f"integrations.{name}") from None
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
