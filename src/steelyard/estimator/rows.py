"""What scikit-learn hands over, turned into rows, codes, weights and folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.data import frame_from
from steelyard.engine import EngineData
from steelyard.errors import DataError, UsageError
from steelyard.features import TableSchema
from steelyard.study import make_folds

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]

#: Whole-number weights up to this are taken as what they say: repetitions of the row.
_MOST_REPEATED = 20
#: Rows up to which the folds are dealt twice: the scores of few rows depend on their folds.
_FEW_ROWS = 1500


@dataclass(frozen=True)
class Labelled:
    """Rows that are trained on.

    Parameters
    ----------
    frame : polars.DataFrame
    codes : ndarray of int64, shape (n_rows,)
    weight : ndarray of shape (n_rows,), optional
    groups : ndarray of int64, shape (n_rows,), optional
    """

    frame: pl.DataFrame
    codes: NDArray[np.int64]
    weight: Array | None
    groups: NDArray[np.int64] | None


def is_frame(X: Any) -> bool:
    """Whether it has columns with names of their own, which arrays and lists have not."""
    import narwhals.stable.v2 as nw

    return bool(nw.dependencies.is_into_dataframe(X))


def to_frame(X: Any, names: list[str]) -> pl.DataFrame:
    """Polars frame with these names for its columns, in their order."""
    return frame_from(X, names)


def labelled(frame: pl.DataFrame, codes: NDArray[np.int64], weight: Array | None, groups: Any) -> Labelled:
    """Rows with their weights made simple: rows that weigh nothing go, whole numbers become repetitions.

    Raises
    ------
    UsageError
        When a weight is negative, or weights or groups are not one per row.
    DataError
        When no row weighs anything.
    """
    grouped = None if groups is None else _groups(groups, len(codes))
    if weight is None:
        return Labelled(frame, codes, None, grouped)
    if (weight < 0).any():
        raise UsageError(f"sample_weight: row {int(np.argmax(weight < 0))} has a negative weight; give 0 or more")
    if not weight.any():
        raise DataError("sample_weight: all weights are zero, so there is nothing to learn from")
    whole = bool((weight == np.rint(weight)).all() and weight.max() <= _MOST_REPEATED)
    if (weight == weight[0]).all() and not whole:
        return Labelled(frame, codes, None, grouped)
    times = weight.astype(np.int64) if whole else (weight > 0).astype(np.int64)
    rows = np.repeat(np.arange(len(codes)), times)
    if grouped is None and times.max() > 1:
        # Copies of a row must not be scored by models that saw the others.
        grouped = np.arange(len(codes))
    return Labelled(
        frame[rows.tolist()] if len(rows) != len(codes) or times.max() > 1 else frame,
        codes[rows],
        None if whole else weight[rows],
        None if grouped is None else grouped[rows],
    )


def _groups(groups: Any, n_rows: int) -> NDArray[np.int64]:
    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise UsageError(f"groups must have shape ({n_rows},), one per row, got {values.shape}")
    _, codes = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)
    found: NDArray[np.int64] = codes.astype(np.int64)
    return found


def engine_data(rows: Labelled, classes: tuple[Any, ...], seed: int, *, once: bool = False) -> EngineData:
    """Rows as the engine wants them, with stratified folds.

    Five folds up to 700 rows, four up to 4000, then three; dealt twice up to 1500 rows, unless ``once``. A class with
    a single row is trained on and never scored.

    Raises
    ------
    DataError
        When there are too few rows or groups for two folds, or no column can be used.
    """
    n_rows = len(rows.codes)
    units = n_rows if rows.groups is None else len(np.unique(rows.groups))
    if units < 2:
        raise DataError(
            f"n_samples={n_rows}: {units} {'row' if rows.groups is None else 'group'} is too few; give more"
        )
    n_folds = min(units, 5 if n_rows <= 700 else 4 if n_rows <= 4000 else 3)
    repeats = 2 if n_rows <= _FEW_ROWS and not once else 1
    folds = make_folds(rows.codes, n_folds, groups=rows.groups, seed=seed, repeats=repeats)
    schema = TableSchema.infer(rows.frame)
    return EngineData(schema.extract(rows.frame), schema, rows.codes, classes, folds, seed, rows.weight)
