"""One column as numbers or as category codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.matrix import MISSING, UNKNOWN

if TYPE_CHECKING:
    import polars as pl

#: Strings that mean "missing" in a column that otherwise holds numbers.
MISSING_MARKERS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "?", "-")


#: Strings of this many words on average, this share of them different, are text.
_TEXT_WORDS = 3.0
_TEXT_SHARE = 0.5
#: How the numbers of a text column may be written.
Written = Literal["number", "date", "decimal_comma"]
_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_COMMA = r"^[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?$"
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})*$"


def numbers(series: pl.Series, written: Written = "number") -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values as float64, NaN where missing, and a mask of the values that are no number.

    Dates and times become seconds since 1970 (UTC), durations seconds. Text is read as it is ``written``: as
    numbers with a point, as ISO 8601 dates, or as numbers with a decimal comma.
    """
    import polars as pl

    kind = series.dtype
    if kind in (pl.Categorical, pl.Enum):
        series, kind = series.cast(pl.String), pl.String()
    bad = np.zeros(series.len(), dtype=bool)
    if kind == pl.String:
        text = series.str.strip_chars()
        values = _READ[written](text)
        not_number = values.is_null() & text.is_not_null()
        if not_number.any():
            bad = (not_number & ~text.is_in(list(MISSING_MARKERS)).fill_null(True)).to_numpy()
    elif kind in (pl.Date, pl.Datetime):
        values = series.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    elif kind == pl.Duration:
        values = series.dt.total_microseconds() / 1e6
    elif kind == pl.Time:
        values = series.cast(pl.Int64) / 1e9
    elif kind.is_numeric() or kind in (pl.Boolean, pl.Null):
        values = series
    else:
        return np.full(series.len(), np.nan), series.is_not_null().to_numpy()
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64, copy=False), bad


def written_as(series: pl.Series) -> Written | None:
    """How the values of a text column that is not numeric as it stands could still be read as numbers.

    Dates must all be ISO 8601. Commas are taken for decimal ones only where some value shows that they do not
    part thousands: ``1,5`` does, ``1,500`` does not.

    Examples
    --------
    >>> import polars as pl
    >>> written_as(pl.Series(["2024-01-31", "2024-02-01 12:30", "NA"]))
    'date'
    >>> written_as(pl.Series(["1,5", "2"])), written_as(pl.Series(["1,500", "2"])), written_as(pl.Series(["a", "1"]))
    ('decimal_comma', None, None)
    """
    text = series.str.strip_chars()
    known = text.filter(text.is_not_null() & ~text.is_in(list(MISSING_MARKERS)))
    if known.is_empty():
        return None
    if known.str.contains(_DATE).all() and _dates(known).is_not_null().all():
        return "date"
    if known.str.contains(_COMMA).all() and not known.str.contains(_THOUSANDS).all():
        return "decimal_comma"
    return None


def _plain(text: pl.Series) -> pl.Series:
    import polars as pl

    return text.cast(pl.Float64, strict=False)


def _dates(text: pl.Series) -> pl.Series:
    import polars as pl

    iso = text.str.replace(" ", "T", literal=True)
    # One form for all of them: seconds and an offset are filled in where they are left out.
    iso = iso.str.replace(r"^(\d{4}-\d{2}-\d{2})$", "${1}T00:00:00")
    iso = iso.str.replace(r"^(.{10}T\d{2}:\d{2})(Z|[+-].*)?$", "${1}:00${2}")
    iso = iso.str.replace(r"Z$", "+00:00").str.replace(r"([+-]\d{2})(\d{2})$", "${1}:${2}")
    iso = iso.str.replace(r"^(.{10}T[\d:.]+)$", "${1}+00:00")
    return (
        iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False).dt.epoch("us").cast(pl.Float64)
        / 1e6
    )


def _with_comma(text: pl.Series) -> pl.Series:
    return _plain(text.str.replace(",", ".", literal=True))


_READ: dict[Written, Callable[[pl.Series], pl.Series]] = {
    "number": _plain,
    "date": _dates,
    "decimal_comma": _with_comma,
}


def check_numbers(series: pl.Series, values: NDArray[np.float64], bad: NDArray[np.bool_]) -> None:
    """Raise a DataError for the first value that is no number, or is infinite, naming column and row."""
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"column {series.name!r}, row {row + 1}: {str(series[row])[:40]!r} is not a number, and the "
            "column is numeric: mend the value or leave it empty"
        )
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.flatnonzero(infinite)[0])
        raise DataError(
            f"column {series.name!r}, row {row + 1}: {series[row]} is infinite or too large for a 64-bit "
            "number: mend the value or leave it empty"
        )


def text(series: pl.Series) -> pl.Series:
    """Values as the category names they are; empty strings and NaN are missing."""
    import polars as pl

    if series.dtype in (pl.Float32, pl.Float64):
        series = series.fill_nan(None)
    if series.dtype != pl.String:
        series = series.cast(pl.String)
    return series.replace("", None) if (series == "").any() else series


def codes(series: pl.Series, categories: Sequence[str]) -> NDArray[np.int32]:
    """Position of each value in the categories; -1 where missing, -2 where it is none of them.

    Examples
    --------
    >>> import polars as pl
    >>> codes(pl.Series(["b", None, "new", "a"]), ["a", "b"])
    array([ 1, -1, -2,  0], dtype=int32)
    """
    import polars as pl

    values = text(series)
    found = values.cast(pl.Enum(list(categories)), strict=False).to_physical().cast(pl.Int32)
    coded = found.fill_null(UNKNOWN).to_numpy().astype(np.int32)
    coded[values.is_null().to_numpy()] = MISSING
    return coded


def holds_text(series: pl.Series) -> bool:
    """Whether strings are texts: of several words on average, most of them different."""
    values = series.drop_nulls()
    if values.is_empty() or values.n_unique() <= _TEXT_SHARE * values.len():
        return False
    words = values.str.count_matches(r"\S+").mean()
    return isinstance(words, float) and words >= _TEXT_WORDS
