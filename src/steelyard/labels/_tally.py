"""How often each label occurs, where that can be found without a code for every row."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.labels._encode import COMPILED_FROM, integer_counts
from steelyard.labels._values import is_missing, library_of, scalar, sort_labels


def tally_labels(y: Any) -> tuple[tuple[Hashable, ...], NDArray[np.int64]] | None:
    """Classes that have rows, sorted, and their counts; None when the labels have to be encoded for that.

    The same classes and counts as :func:`encode_labels` leads to, several times faster: it needs a code a row.

    Examples
    --------
    >>> tally_labels(["b", "a", None, "b"])
    (('a', 'b'), array([1, 2]))
    """
    library = library_of(y)
    if len(getattr(y, "shape", (0,))) != 1:
        return None
    if library == "pandas":
        return _of_pandas(y)
    if library == "polars":
        return _of_polars(y)
    if isinstance(y, np.ndarray):
        if y.dtype.kind == "O":
            return _of_objects(y)
        return _of_texts(y) if y.dtype.kind == "U" else None
    return _of_objects(y) if isinstance(y, list) else None


def _of_objects(values: Iterable[Any]) -> tuple[tuple[Hashable, ...], NDArray[np.int64]] | None:
    try:
        counted = Counter(values)
    except TypeError:
        return None
    # What is no single label is left to the encoder, which says in which row it stands.
    if any(isinstance(value, (tuple, frozenset)) for value in counted):
        return None
    return _sorted({value: count for value, count in counted.items() if not is_missing(value)})


def _of_texts(y: NDArray[Any]) -> tuple[tuple[Hashable, ...], NDArray[np.int64]] | None:
    if "numba" not in sys.modules or len(y) < COMPILED_FROM or not y.dtype.isnative or not y.dtype.itemsize:
        return None
    from steelyard.labels._counting import text_counts

    counted = text_counts(y)
    return None if counted is None else _sorted(dict(zip(counted[0], counted[1].tolist(), strict=True)))


def _of_pandas(y: Any) -> tuple[tuple[Hashable, ...], NDArray[np.int64]] | None:
    import pandas as pd

    if isinstance(y.dtype, pd.CategoricalDtype):
        categorical = pd.Categorical(y)
        counted = integer_counts(np.asarray(categorical.codes))
        low, counts = (0, np.zeros(0, np.int64)) if counted is None else counted
        names = categorical.categories.tolist()
        places = np.flatnonzero(counts) + low
        return _sorted({names[place]: int(counts[place - low]) for place in places.tolist() if place >= 0})
    if pd.api.types.is_object_dtype(y.dtype) or isinstance(y.dtype, pd.StringDtype):
        return _of_objects(y.to_numpy(dtype=object))
    return None


def _of_polars(y: Any) -> tuple[tuple[Hashable, ...], NDArray[np.int64]] | None:
    import polars as pl

    if y.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    counted = y.alias("label").drop_nulls().value_counts(name="rows")
    names = counted["label"].cast(pl.String).to_list()
    return _sorted(dict(zip(names, counted["rows"].to_list(), strict=True)))


def _sorted(counted: dict[Any, int]) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    classes = sort_labels(counted)
    return tuple(scalar(name) for name in classes), np.array([counted[name] for name in classes], np.int64)
