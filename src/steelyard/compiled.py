"""Compiled functions, where Numba is there; imported only by modules that are loaded when used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """A function compiled on first use, without the interpreter's lock, and kept in Numba's cache."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        made: F = njit(cache=True, **options)(function)
    except RuntimeError:
        # Neither the package nor the user's cache folder can be written: compile afresh in every process.
        made = njit(**options)(function)
    return made
