"""Tables that are in memory already: frames, arrays and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steelyard.data._names import check_names
from steelyard.data._values import series_from_values
from steelyard.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

#: Cells of a sparse matrix that may be written out: 2 GiB of float64.
_DENSE_LIMIT = 2**28


def frame_from(X: Any, names: Sequence[str] | None = None) -> pl.DataFrame:
    """Polars frame from rows in memory; the input is never changed.

    Parameters
    ----------
    X : frame, array, sparse matrix, mapping of columns, or list of rows
        A pandas, polars or pyarrow frame (or any other that narwhals knows); an array of shape (n_rows,) or
        (n_rows, n_columns); a scipy sparse matrix; a list of rows. Columns of arrays and lists are called
        x0, x1, ... Categorical columns of pandas stay categorical, its booleans boolean, and its object
        columns get the narrowest type that keeps every value.
    names : sequence of str, optional
        Names to use instead of the columns' own.

    Raises
    ------
    UsageError
        When it is none of these, or ``names`` are not one per column.
    DataError
        When names are blank or repeated, rows differ in length, or a sparse matrix is too large to write out.

    Examples
    --------
    >>> frame_from([["007", 1], ["008", 2]]).rows()
    [('007', 1), ('008', 2)]
    """
    import polars as pl

    columns = _columns(X)
    if names is not None:
        if len(names) != len(columns):
            raise UsageError(f"{len(names)} names for {len(columns)} columns")
        columns = [column.alias(str(name)) for name, column in zip(names, columns, strict=True)]
    check_names("the table", [column.name for column in columns])
    return pl.DataFrame(columns)


def _columns(X: Any) -> list[pl.Series]:
    import narwhals.stable.v2 as nw
    import polars as pl

    if isinstance(X, pl.LazyFrame):
        X = X.collect()
    if isinstance(X, (pl.DataFrame, pl.Series)):
        return X.get_columns() if isinstance(X, pl.DataFrame) else [X.alias(X.name or "x0")]
    if nw.dependencies.is_pandas_dataframe(X):
        return [_from_pandas(_label(X.columns[i]), X.iloc[:, i]) for i in range(X.shape[1])]
    if nw.dependencies.is_pandas_series(X):
        return [_from_pandas("x0" if X.name is None else _label(X.name), X)]
    if nw.dependencies.is_into_dataframe(X):
        native: pl.DataFrame = nw.from_native(X, eager_only=True).to_polars()
        return native.get_columns()
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        return _from_array(_dense(X))
    if isinstance(X, Mapping):
        return _from_mapping(X)
    if isinstance(X, (list, tuple)):
        return _from_rows(X)
    if hasattr(X, "__arrow_c_stream__"):
        return pl.DataFrame(X).get_columns()
    if hasattr(X, "__array__"):
        return _from_array(X if isinstance(X, np.ma.MaskedArray) else np.asarray(X))
    raise UsageError(
        f"a {type(X).__name__} is not a table: give a pandas, polars or pyarrow frame, an array, "
        "a sparse matrix or a list of rows"
    )


def _label(name: Any) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _from_pandas(name: str, series: Any) -> pl.Series:
    # Column by column, because polars' own conversion needs pyarrow for text and nullable types.
    import pandas as pd
    import polars as pl

    kind, missing = series.dtype, series.isna().to_numpy(dtype=bool)
    if isinstance(kind, pd.CategoricalDtype):
        labels = np.array([*map(str, kind.categories), None], dtype=object)
        return pl.Series(name, labels[series.cat.codes.to_numpy()], dtype=pl.String).cast(pl.Categorical)
    whole = pd.api.types.is_bool_dtype(kind) or pd.api.types.is_integer_dtype(kind)
    if whole and not missing.any():
        # Nullable, pyarrow and sparse types name the plain type they hold.
        plain = getattr(kind, "numpy_dtype", getattr(kind, "subtype", kind))
        return pl.Series(name, np.array(series.to_numpy(dtype=plain)))
    if pd.api.types.is_float_dtype(kind):
        return pl.Series(name, series.to_numpy(dtype=np.float64, na_value=np.nan))
    if isinstance(kind, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_any_dtype(series.dtype) or pd.api.types.is_timedelta64_dtype(kind):
        return pl.Series(name, series.to_numpy())
    return series_from_values(name, [None if gone else value for value, gone in zip(series, missing, strict=True)])


def _dense(X: Any) -> Any:
    cells = int(np.prod(X.shape, dtype=object))
    if cells > _DENSE_LIMIT:
        raise DataError(
            f"a sparse matrix of {' x '.join(map(str, X.shape))} needs {cells * 8 / 2**30:.0f} GiB "
            f"when written out (at most {_DENSE_LIMIT * 8 // 2**30}): reduce its columns first, for example "
            "with TruncatedSVD"
        )
    return X.toarray()


def _from_array(X: Any) -> list[pl.Series]:
    import polars as pl

    if X.dtype.names:
        return [series_from_values(name, X[name].tolist()) for name in X.dtype.names]
    if X.ndim == 1:
        X = X.reshape(-1, 1)
    if X.ndim != 2:
        raise UsageError(f"an array of shape {X.shape} is not a table: give (n_rows, n_columns)")
    if isinstance(X, np.ma.MaskedArray):
        whole = X.dtype.kind in "iuf"
        values = X.data.astype(np.float64 if whole else object)
        values[np.ma.getmaskarray(X)] = np.nan if whole else None
        X = values
    if X.dtype.kind == "c":
        raise DataError("complex numbers cannot be features: give their real and imaginary parts as columns")
    if X.dtype.kind == "f" and X.dtype.itemsize not in (4, 8):
        X = X.astype(np.float64)
    if X.dtype.kind in "iufbM":
        # Copied, so that a later change of the caller's array cannot reach the frame.
        return [pl.Series(f"x{i}", np.array(X[:, i])) for i in range(X.shape[1])]
    return [series_from_values(f"x{i}", X[:, i].tolist()) for i in range(X.shape[1])]


def _from_mapping(X: Mapping[Any, Any]) -> list[pl.Series]:
    columns = [series_from_values(str(name), list(values)) for name, values in X.items()]
    lengths = {column.len() for column in columns}
    if len(lengths) > 1:
        raise DataError(f"columns differ in length: {', '.join(f'{c.name!r} {c.len()}' for c in columns[:5])}")
    return columns


def _from_rows(X: Sequence[Any]) -> list[pl.Series]:
    if X and all(isinstance(row, Mapping) for row in X):
        names = dict.fromkeys(name for row in X for name in row)
        return [series_from_values(str(name), [row.get(name) for row in X]) for name in names]
    rows = [list(row) if _is_row(row) else [row] for row in X]
    width = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DataError(f"row {number} has {len(row)} values where row 1 has {width}")
    return [series_from_values(f"x{i}", [row[i] for row in rows]) for i in range(width)]


def _is_row(row: Any) -> bool:
    return isinstance(row, (list, tuple)) or (isinstance(row, np.ndarray) and row.ndim > 0)
