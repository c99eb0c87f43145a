"""Tables: read from a file, split by role, and looked through for rows that occur twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steelyard.data.delimited import read_delimited
from steelyard.data.frames import frame_from
from steelyard.data.json_file import read_json
from steelyard.data.json_lines import read_json_lines
from steelyard.data.lines import read_lines
from steelyard.data.parquet import read_parquet
from steelyard.data.source import ReadOptions, Source
from steelyard.errors import DataError, UnknownNameError, UsageError

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "SUFFIXES",
    "TableSplit",
    "count_duplicates",
    "duplicate_groups",
    "frame_from",
    "read_source",
    "read_table",
    "split_columns",
]

_READERS: dict[str, Callable[[Path, ReadOptions | None], Source]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".parquet": read_parquet,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".txt": read_lines,
}

#: Suffixes of the files that :func:`read_table` reads.
SUFFIXES: tuple[str, ...] = tuple(_READERS)


def read_table(path: Path | str) -> pl.DataFrame:
    r"""Table from a ``.csv``, ``.tsv``, ``.parquet``, ``.jsonl``, ``.ndjson``, ``.json`` or ``.txt`` file.

    Parameters
    ----------
    path : path-like
        The file; its suffix (in any case) says how it is read.

    Returns
    -------
    polars.DataFrame
        At least one row and one column. From CSV and TSV every column is text: an empty field is missing, and
        nothing else is (``NA``, ``None``, ``007`` and ``1.0`` stay the strings they are). JSON and
        Parquet keep their own types. A ``.txt`` file has one text a line, in the column ``text``.

    Raises
    ------
    UsageError
        When there is no such file, or its suffix is not known.
    DataError
        When the path is a folder, or the content is empty, damaged, ragged, wrongly encoded or has blank or
        repeated column names; the message names the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.csv")
    ...     _ = path.write_text("id,label\n007,NA\n008,\n")
    ...     read_table(path).rows()
    [('007', 'NA'), ('008', None)]
    """
    return read_source(path).frame


def read_source(path: Path | str, options: ReadOptions | None = None) -> Source:
    """Table from a file as :func:`read_table` gives it, with notes on how it was read.

    Parameters
    ----------
    path : path-like
    options : ReadOptions, optional
        Strict by default.

    Raises
    ------
    UsageError, DataError
        As :func:`read_table`.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder; a table is one file ({' '.join(SUFFIXES)})")
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path}: cannot tell the format from the suffix {path.suffix!r}; known: {', '.join(SUFFIXES)}"
        )
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    try:
        return reader(path, options)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


@dataclass(frozen=True)
class TableSplit:
    """A table's columns by role.

    Attributes
    ----------
    features : polars.DataFrame
        All columns without another role, in the file's order.
    target : polars.Series or polars.DataFrame
        The labels as they were read; a frame where several columns hold them.
    ids, groups, folds : polars.Series or None
        The columns named for these roles.
    """

    features: pl.DataFrame
    target: pl.Series | pl.DataFrame
    ids: pl.Series | None = None
    groups: pl.Series | None = None
    folds: pl.Series | None = None


def split_columns(
    frame: pl.DataFrame,
    target: str | Sequence[str],
    *,
    id: str | None = None,  # noqa: A002  # the option is called --id
    group: str | None = None,
    fold: str | None = None,
) -> TableSplit:
    """Columns of a table by role: features, target, ids, groups and folds.

    Parameters
    ----------
    frame : polars.DataFrame
    target : str or sequence of str
        Column that holds the labels, or one column for each label.
    id, group, fold : str, optional
        Columns that are not features but name the row, its group and its fold.

    Raises
    ------
    UnknownNameError
        When there is no such column; the message names the closest.
    UsageError
        When one column is given two roles.
    DataError
        When no feature column is left.

    Examples
    --------
    >>> import polars as pl
    >>> split = split_columns(pl.DataFrame({"x": [1, 2], "label": ["a", "b"]}), "label")
    >>> split.features.columns, split.target.to_list()
    (['x'], ['a', 'b'])
    """
    targets = [target] if isinstance(target, str) else list(target)
    roles = [*(("target", name) for name in targets), ("id", id), ("group", group), ("fold", fold)]
    taken: dict[str, str] = {}
    for role, name in roles:
        if name is None:
            continue
        if name not in frame.columns:
            raise UnknownNameError("column", name, frame.columns)
        # A group may well be the id: rows of one id then stay in one fold.
        if name in taken and {role, taken[name]} != {"id", "group"}:
            again = "a target twice" if taken[name] == role else f"both {taken[name]} and {role}"
            raise UsageError(f"column {name!r} cannot be {again}")
        taken[name] = role
    features = frame.drop(list(taken))
    if features.width == 0:
        raise DataError(f"no feature column is left beside {', '.join(map(repr, taken))}")
    ids, groups, folds = (frame[name] if name is not None else None for name in (id, group, fold))
    labels = frame[target] if isinstance(target, str) else frame.select(targets)
    return TableSplit(features, labels, ids, groups, folds)


def duplicate_groups(features: pl.DataFrame) -> NDArray[np.int64]:
    """Group number of each row, where rows with the same values in all columns share one.

    Missing equals missing. Numbers run from 0 in order of first appearance.

    Returns
    -------
    ndarray of int64, shape (n_rows,)

    Examples
    --------
    >>> import polars as pl
    >>> duplicate_groups(pl.DataFrame({"a": ["x", "y", "x"], "b": [1, 1, 1]}))
    array([0, 1, 0])
    """
    import polars as pl

    if features.width == 0 or features.height == 0:
        return np.zeros(features.height, dtype=np.int64)
    # Polars would hand out the names of the columns once more, and one of them may be called "first".
    keys = features.rename({name: f"c{number}" for number, name in enumerate(features.columns)})
    first = keys.with_row_index("first").select(pl.col("first").min().over(keys.columns))["first"].to_numpy()
    return np.unique(first, return_inverse=True)[1].astype(np.int64)


def count_duplicates(features: pl.DataFrame) -> int:
    """Number of rows that repeat an earlier row.

    Examples
    --------
    >>> import polars as pl
    >>> count_duplicates(pl.DataFrame({"a": ["x", "y", "x", "x"]}))
    2
    """
    groups = duplicate_groups(features)
    return int(groups.size - np.unique(groups).size)
