"""Parquet files."""

from __future__ import annotations

from pathlib import Path

from steelyard.data._names import check_names
from steelyard.data.source import ReadOptions, Source
from steelyard.errors import DataError


def read_parquet(path: Path, options: ReadOptions | None = None) -> Source:
    """Table from a Parquet file, with the types it was written with.

    Raises
    ------
    DataError
        When the file is damaged, has no rows or columns, or its column names are blank or repeated.
    """
    import polars as pl

    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = str(error).strip().splitlines()
        raise DataError(f"{path} is not a readable Parquet file: {first[0] if first else 'damaged'}") from None
    check_names(path, frame.columns)
    if frame.height == 0:
        raise DataError(f"{path} has columns but no rows")
    return Source(frame)
