"""Several labels a row: the checked 0/1 matrix."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.labels._values import library_of, native, scalar


def is_matrix(y: Any) -> bool:
    """Whether labels have two dimensions, which is what a multi-label matrix has."""
    return len(getattr(y, "shape", ())) == 2


def as_multilabel(Y: Any, unknown: Iterable[float] = ()) -> NDArray[np.float64]:
    """Multi-label matrix, checked: each entry is 1 (has the label), 0 (has it not) or NaN (unknown).

    Parameters
    ----------
    Y : array-like of shape (n_samples, n_labels)
        A NumPy array, a pandas or polars DataFrame, a sparse matrix, a torch tensor, or rows of equal length.
    unknown : iterable of float, optional
        Numbers that stand for unknown beside NaN, as -1 does in some data.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_labels)

    Raises
    ------
    DataError
        When an entry is anything else; the message names its row and column.

    Examples
    --------
    >>> as_multilabel([[1, 0], [None, 1]])
    array([[ 1.,  0.],
           [nan,  1.]])
    """
    names = label_names(Y)
    Y = native(Y)
    try:
        matrix: NDArray[np.float64]
        if library_of(Y) == "pandas":
            matrix = Y.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            matrix = np.array(Y.to_numpy() if hasattr(Y, "to_numpy") else Y, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "a multi-label matrix holds only 0, 1 and NaN, in rows of equal length; "
            "class names, tags and masks are counted flat (ravel)"
        ) from None
    if matrix.ndim != 2:
        raise DataError(f"a multi-label matrix has shape (n_samples, n_labels); this has shape {matrix.shape}")
    for number in unknown:
        matrix[matrix == number] = np.nan
    wrong = ~((matrix == 0) | (matrix == 1) | np.isnan(matrix))
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        name = repr(names[column]) if names else column
        raise DataError(
            f"entry {matrix[row, column]:g} in row {row}, column {name}: a multi-label matrix holds 0, 1 and "
            "NaN; class ids, tags and masks are counted flat (ravel)"
        )
    return matrix


def label_names(Y: Any) -> tuple[Hashable, ...] | None:
    """Column names of a multi-label table, or None for a plain matrix."""
    columns = getattr(Y, "columns", None)
    return None if columns is None else tuple(scalar(name) for name in columns)
