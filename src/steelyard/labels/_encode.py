"""One label a row, turned into codes; each library's labels by its own fast way."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.labels._values import as_classes, is_missing, library_of, listed, native, scalar, sort_labels

#: Number of labels from which compiled counting pays, once Numba is there.
COMPILED_FROM = 1 << 19


@dataclass(frozen=True, eq=False)
class EncodedLabels:
    """Labels as codes into a tuple of classes.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_samples,)
        Position in ``classes``; -1 where the label is missing.
    classes : tuple
        Python scalars, in sorted order unless an order was asked for.
    """

    codes: NDArray[np.int64]
    classes: tuple[Hashable, ...]

    def __len__(self) -> int:
        return len(self.codes)


def encode_labels(y: Any, classes: Iterable[Hashable] | None = None) -> EncodedLabels:
    """Codes and classes of one label a row.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        A list, a NumPy array, a pandas or polars Series (categoricals by their codes), a torch tensor, or
        labels that are encoded already. Categories without rows are no classes unless ``classes`` names them.
    classes : iterable, optional
        The classes in the order wanted. By default those that occur, sorted as ``np.unique`` sorts (by their
        text when types are mixed).

    Returns
    -------
    EncodedLabels
        ``codes`` int64 of shape (n_samples,), -1 where missing, and ``classes``.

    Raises
    ------
    DataError
        When a label is not among ``classes``, a row holds several labels, or ``y`` is not one-dimensional.
    UsageError
        When ``classes`` holds a class twice or a missing value.

    Examples
    --------
    >>> encoded = encode_labels(["b", "a", None, "NA"])
    >>> encoded.codes, encoded.classes
    (array([ 2,  1, -1,  0]), ('NA', 'a', 'b'))
    """
    encoded = _encode(native(y))
    return encoded if classes is None else _in_order(encoded, as_classes(classes))


def integer_counts(values: NDArray[Any]) -> tuple[int, NDArray[np.int64]] | None:
    """Counts of whole numbers from ``low`` on, or None when they lie too far apart to count by position."""
    if not values.size:
        return None
    if (counted := _small_counts(values)) is not None:
        return counted
    low, high = int(values.min()), int(values.max())
    limit = values.size + 1024
    if low >= 0 and high < limit:
        low = 0
    elif high - low >= limit:
        return None
    return low, np.bincount(_offsets(values, low)).astype(np.int64, copy=False)


def _small_counts(values: NDArray[Any]) -> tuple[int, NDArray[np.int64]] | None:
    # Importing Numba takes as long as NumPy takes for some tens of millions of labels.
    least = COMPILED_FROM if "numba" in sys.modules else 16 * COMPILED_FROM
    if values.size < least or not values.dtype.isnative:
        return None
    try:
        from steelyard.labels._counting import small_counts
    except ImportError:
        return None
    return small_counts(values)


def _offsets(values: NDArray[Any], low: int) -> NDArray[Any]:
    if low == 0 and values.dtype != np.uint64:
        return values
    # Narrow types overflow when the lowest is subtracted; uint64 may not fit int64 before it is.
    wide = values if values.dtype.itemsize == 8 else values.astype(np.int64)
    return (wide - wide.dtype.type(low)).astype(np.int64, copy=False)


def _encode(y: Any) -> EncodedLabels:
    if isinstance(y, EncodedLabels):
        return y
    if isinstance(y, (str, bytes, Mapping)) or not hasattr(y, "__iter__"):
        raise UsageError(f"labels must be a sequence with one label a row, not a {type(y).__name__}")
    if len(shape := getattr(y, "shape", (0,))) != 1:
        raise DataError(f"labels must be one-dimensional, one a row; these have shape {tuple(shape)}")
    library = library_of(y)
    if library == "pandas":
        return _from_pandas(y)
    if library == "polars":
        return _from_polars(y)
    if library == "pyarrow":
        return _from_objects(y.to_pylist())
    if isinstance(y, np.ndarray) or (hasattr(y, "__array__") and not isinstance(y, (list, tuple))):
        return _from_numpy(np.asarray(y))
    return _from_objects(y if isinstance(y, list) else list(y))


def _from_objects(values: list[Any]) -> EncodedLabels:
    try:
        distinct = set(values)
    except TypeError:
        row = next(row for row, value in enumerate(values) if not isinstance(value, Hashable))
        raise _several(row, values[row]) from None
    for value in distinct:
        if isinstance(value, (tuple, frozenset)):
            raise _several(values.index(value), value)
    missing = {value for value in distinct if is_missing(value)}
    present = sort_labels(distinct - missing)
    table = dict.fromkeys(missing, -1) | {value: code for code, value in enumerate(present)}
    codes = np.fromiter(map(table.__getitem__, values), np.int64, len(values))
    return EncodedLabels(codes, tuple(scalar(value) for value in present))


def _several(row: int, value: Any) -> DataError:
    return DataError(
        f"row {row} holds {value!r:.40}, not one label: pass a 0/1 matrix for multi-label data, "
        "or flatten the sequences"
    )


def _from_numpy(y: NDArray[Any]) -> EncodedLabels:
    kind = y.dtype.kind
    if kind == "b":
        return _ranked(y.astype(np.int64), [False, True])
    if kind in "iu":
        return _from_integers(y)
    if kind == "f":
        return _from_floats(y)
    if kind in "mM":
        return _from_objects(y.astype(f"{y.dtype.kind}8[us]").tolist())
    if kind in "OUST":
        return _from_objects(y.tolist())
    raise DataError(f"labels of dtype {y.dtype} cannot be class names: use text or numbers")


def _from_integers(y: NDArray[Any]) -> EncodedLabels:
    counted = integer_counts(y)
    if counted is None:
        classes, codes = np.unique(y, return_inverse=True)
        return EncodedLabels(codes.astype(np.int64, copy=False), tuple(classes.tolist()))
    low, counts = counted
    present = np.flatnonzero(counts)
    codes = (np.cumsum(counts > 0) - 1)[_offsets(y, low)]
    return EncodedLabels(codes, tuple(low + position for position in present.tolist()))


def _from_floats(y: NDArray[Any]) -> EncodedLabels:
    known = ~np.isnan(y)
    values = y if known.all() else y[known]
    if np.isinf(values).any():
        raise DataError(f"label {y[np.isinf(y)][0]} in row {int(np.isinf(y).argmax())}: a label must be finite")
    # Whole numbers stored as floats are common (a column with gaps), and are coded without sorting.
    if values.size and np.abs(values).max() < 2**53 and (values == np.trunc(values)).all():
        part = _from_integers(values.astype(np.int64))
        classes: tuple[Hashable, ...] = tuple(float(value) for value in part.classes)  # type: ignore[arg-type]
        return _spread(known, EncodedLabels(part.codes, classes))
    unique, inverse = np.unique(values, return_inverse=True)
    return _spread(known, EncodedLabels(inverse.astype(np.int64, copy=False), tuple(unique.tolist())))


def _spread(known: NDArray[np.bool_], part: EncodedLabels) -> EncodedLabels:
    if known.all():
        return part
    codes = np.full(len(known), -1, np.int64)
    codes[known] = part.codes
    return EncodedLabels(codes, part.classes)


def _ranked(codes: NDArray[Any], values: Sequence[Any]) -> EncodedLabels:
    """Codes into unsorted values, some without rows, as codes into the sorted values that have rows."""
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    place = {scalar(value): code for code, value in enumerate(values) if counts[code]}
    present = sort_labels(place)
    # One entry more than there are values: code -1 picks the last one and so stays -1.
    rank = np.full(len(values) + 1, -1, np.int64)
    rank[[place[value] for value in present]] = np.arange(len(present))
    return EncodedLabels(rank[codes], tuple(present))


def _from_pandas(y: Any) -> EncodedLabels:
    import pandas as pd

    if isinstance(y.dtype, pd.CategoricalDtype):
        categorical = pd.Categorical(y)
        return _ranked(categorical.codes.astype(np.int64), categorical.categories.tolist())
    if isinstance(y.dtype, np.dtype) and y.dtype.kind in "biuf":
        return _from_numpy(y.to_numpy())
    try:
        codes, values = pd.factorize(y)
    except TypeError:
        return _from_objects(y.tolist())
    listed = values.tolist()
    for value in listed:
        if isinstance(value, (tuple, frozenset)):
            raise _several(y.tolist().index(value), value)
    return _ranked(codes, listed)


def _from_polars(y: Any) -> EncodedLabels:
    import polars as pl

    if y.dtype.is_numeric() or y.dtype == pl.Boolean:
        return _spread(y.is_not_null().to_numpy(), _from_numpy(y.drop_nulls().to_numpy()))
    if y.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return _from_objects(y.to_list())
    if y.dtype == pl.String:
        y = y.cast(pl.Enum(y.drop_nulls().unique()))
    distinct = y.drop_nulls().unique()
    # Physical codes of a categorical may belong to other columns too, so only those in use are looked at.
    names = dict(zip(distinct.to_physical().to_list(), distinct.cast(pl.String).to_list(), strict=True))
    physical = y.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    part = _from_integers(physical)
    values = [names.get(code) for code in part.classes]
    codes = part.codes - 1 if values and values[0] is None else part.codes
    return _ranked(codes, [value for value in values if value is not None])


def _in_order(encoded: EncodedLabels, classes: tuple[Hashable, ...]) -> EncodedLabels:
    if encoded.classes == classes and list(map(type, encoded.classes)) == list(map(type, classes)):
        return encoded
    place = {value: code for code, value in enumerate(classes)}
    used = np.bincount(encoded.codes[encoded.codes >= 0], minlength=len(encoded.classes))
    rank = np.full(len(encoded.classes) + 1, -1, np.int64)
    for code, value in enumerate(encoded.classes):
        if value in place:
            rank[code] = place[value]
        elif used[code]:
            row = int((encoded.codes == code).argmax())
            raise DataError(f"label {value!r} in row {row} is not one of the classes {listed(classes)}")
    return EncodedLabels(rank[encoded.codes], classes)
