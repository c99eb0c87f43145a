"""Python values, one column of them, to a polars column that loses nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steelyard.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_INT64 = range(-(2**63), 2**63)


def series_from_values(name: str, values: Sequence[Any]) -> pl.Series:
    """Column of the narrowest type that keeps every value as it is.

    All strings, all booleans or all numbers keep their type. A mixture, and integers that no 64 bits hold,
    become text, so that an id keeps its digits. None is missing, and so is NaN among strings.
    """
    import polars as pl

    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {type(value) for value in plain if value is not None and not _is_nan(value)}
    if not kinds:
        all_none = all(value is None for value in plain)
        return pl.Series(name, plain, dtype=pl.String if all_none else pl.Float64)
    if kinds == {bool}:
        return pl.Series(name, [None if _is_nan(value) else value for value in plain], dtype=pl.Boolean)
    if kinds <= {int, float}:
        wide = any(isinstance(value, int) and value not in _INT64 for value in plain)
        if not wide:
            ints = kinds == {int} and not any(_is_nan(value) for value in plain)
            return pl.Series(name, plain, dtype=pl.Int64 if ints else pl.Float64, strict=False)
    if kinds <= {bool, int, float, str} or any(issubclass(kind, str) for kind in kinds):
        return pl.Series(name, [_text(value) for value in plain], dtype=pl.String)
    if any(issubclass(kind, dict) for kind in kinds):
        raise DataError(f"column {name!r} holds nested objects: give each of their keys a column of its own")
    try:
        return pl.Series(name, plain)
    except (pl.exceptions.PolarsError, TypeError, ValueError):
        if any(issubclass(kind, (list, tuple)) for kind in kinds):
            raise DataError(f"column {name!r} holds lists of different types: use one type throughout") from None
        return pl.Series(name, [_text(value) for value in plain], dtype=pl.String)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _text(value: Any) -> str | None:
    if value is None or _is_nan(value):
        return None
    if isinstance(value, str):
        return str(value)
    return json.dumps(value) if isinstance(value, (bool, int, float)) else str(value)
