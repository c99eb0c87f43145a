"""A sequence of labels a row: tags of sentences, of any length."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.labels._values import is_missing, library_of, native


def is_nested(y: Any) -> bool:
    """Whether rows hold sequences of labels: a list of lists, an object array of lists, a list column."""
    if isinstance(y, np.ndarray) and y.dtype != object:
        return False
    if library_of(y) == "polars":
        return y.dtype.is_nested() if hasattr(y, "dtype") else False
    if library_of(y) == "pandas" and (getattr(y.dtype, "kind", "") != "O" or hasattr(y, "cat")):
        return False
    first = next((value for value in y if not is_missing(value)), None)
    return isinstance(first, (list, tuple, set, frozenset)) or len(getattr(first, "shape", ())) == 1


def flatten(tags: Any) -> tuple[Any, NDArray[np.int64]]:
    """Tags of all sequences in one row, and the length of each sequence.

    Parameters
    ----------
    tags : sequence of sequences, or array of shape (n_sequences, length)

    Returns
    -------
    flat : list or ndarray
    lengths : ndarray of int64, shape (n_sequences,)

    Examples
    --------
    >>> flatten([["O", "PER"], [], ["O"]])
    (['O', 'PER', 'O'], array([2, 0, 1]))
    """
    tags = native(tags)
    if isinstance(tags, np.ndarray) and tags.ndim == 2:
        return tags.ravel(), np.full(tags.shape[0], tags.shape[1], np.int64)
    rows: list[Any] = [() if is_missing(row) else native(row) for row in tags]
    for number, row in enumerate(rows):
        if isinstance(row, (str, bytes)) or not hasattr(row, "__len__"):
            raise DataError(f"row {number} holds {row!r:.40}, not a sequence of tags")
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    if rows and all(isinstance(row, np.ndarray) and row.dtype.kind in "iu" for row in rows):
        return np.concatenate(rows), lengths
    return list(chain.from_iterable(rows)), lengths
