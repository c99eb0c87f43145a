"""Compiled functions, where Numba is there; imported only by modules that are loaded when used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def compiled(function: F) -> F:
    """A function compiled on first use, without the interpreter's lock, and kept in Numba's cache."""
    try:
        made: F = njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        # Neither the package nor the user's cache folder can be written: compile afresh in every process.
        made = njit(**_OPTIONS)(function)
    return made


def inner(function: F) -> F:
    """A function that only compiled functions call: it is kept with them, and takes less time to compile."""
    unwrapped: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    made: F = njit(**unwrapped, **_OPTIONS)(function)
    return made
