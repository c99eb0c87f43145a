"""CSV and TSV: everything text, nothing guessed, no ragged line let through."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steelyard.data._header import first_is_data, put_back, trailing_blanks
from steelyard.data._names import check_names
from steelyard.data._records import Layout, scan, without_blank_lines
from steelyard.data._text import read_text
from steelyard.data.source import ReadOptions, Source
from steelyard.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def read_delimited(path: Path, options: ReadOptions | None = None) -> Source:
    """Table of text columns from a CSV or TSV file; an empty field is missing, and nothing else is.

    Quotes are those of RFC 4180 (a quoted field may hold separators, line ends and doubled quotes). A
    ``.csv`` whose header has one column by commas but several by semicolons or tabs is read by those. In a
    ``.tsv`` whose quotes do not pair up in that way they are ordinary characters. Blank lines are skipped
    where there are several columns; below a single one they are missing values.

    Raises
    ------
    DataError
        When a line has too many or too few fields, a quote is left open, a name is blank or repeated, or
        there is no row below the header.
    """
    options, notes = options or ReadOptions(), list[str]()
    data = read_text(path, options, notes)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    tabbed = path.suffix.lower() == ".tsv"
    separator = b"\t" if tabbed else _separator(data)
    layout = scan(data, separator)
    if layout.stray_quote is not None and tabbed:
        layout = scan(data, separator, quoted=False)
    names, made_up = _header(path, data, layout), False
    if options.header is False or (options.header is None and _lacks_header(data, layout)):
        given = options.names if len(options.names) == len(names) else ()
        names, made_up = list(given or (f"column{number}" for number in range(1, len(names) + 1))), True
        data = separator.join(name.encode() for name in names) + b"\n" + data
        layout = scan(data, separator, quoted=layout.quoted)
        layout = replace(layout, lines=layout.lines - 1)
    nameless = trailing_blanks(names) if options.mend else 0
    names = names[: len(names) - nameless] + [f"\0{number}" for number in range(nameless)]
    check_names(path, names)
    frame, lines = _rows(path, data, layout, names, 1 if made_up else 0)
    frame = put_back(path, frame, nameless, separator.decode(), notes)
    return Source(frame, tuple(notes), lines, made_up)


def _rows(
    path: Path, data: bytes, layout: Layout, names: list[str], added: int
) -> tuple[pl.DataFrame, NDArray[np.int64] | None]:
    if layout.stray_quote is not None:
        return _by_hand(path, data, layout.separator, names, added), None
    if len(names) > 1 and layout.blank.any():
        data, layout = without_blank_lines(data, layout)
    layout = layout.since(int(np.flatnonzero(~layout.blank)[0]))
    if layout.fields.size < 2:
        raise DataError(f"{path} has a header but no rows")
    wrong = np.flatnonzero(layout.fields != len(names))
    if wrong.size:
        record = int(wrong[0])
        raise _ragged(path, layout.line(record), int(layout.fields[record]), len(names), wrong.size, added)
    return _by_polars(path, data, layout, names), layout.lines[1:]


def _lacks_header(data: bytes, layout: Layout) -> bool:
    """Whether the first line looks like the lines below it."""
    head: list[int] = np.flatnonzero(~layout.blank)[:500].tolist()
    text = "\n".join(data[layout.start(record) : int(layout.end[record])].decode() for record in head)
    mark = layout.separator.decode()
    if layout.quoted:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
        except csv.Error:
            return False
    else:
        rows = [line.removesuffix("\r").split(mark) for line in text.split("\n")]
    return first_is_data([row for row in rows if row])


def _separator(data: bytes) -> bytes:
    """Comma, unless the header has one column by commas and several by semicolons or tabs."""
    head = data.lstrip(b"\r\n")
    end = scan(head[: 1 << 16], b",").end
    header = head[: int(end[0])] if end.size else head
    fields = {mark: int(scan(header, mark).fields[0]) for mark in (b",", b";", b"\t")}
    return b"," if fields[b","] > 1 else max(fields, key=lambda mark: fields[mark])


def _header(path: Path, data: bytes, layout: Layout) -> list[str]:
    filled = np.flatnonzero(~layout.blank)
    if not filled.size:
        raise DataError(f"{path} is empty")
    first = int(filled[0])
    text = data[layout.start(first) : int(layout.end[first])].decode().removesuffix("\r")
    if not layout.quoted:
        return text.split(layout.separator.decode())
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator.decode(), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {layout.line(first)}: the header cannot be read: {error}") from None


def _by_polars(path: Path, data: bytes, layout: Layout, names: list[str]) -> pl.DataFrame:
    import polars as pl

    try:
        frame = pl.read_csv(
            data[int(layout.end[0]) + 1 :],
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=layout.separator.decode(),
            quote_char='"' if layout.quoted else None,
            infer_schema=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = str(error).strip().splitlines()
        raise DataError(f"{path} cannot be read as a table: {first[0] if first else 'damaged'}") from None
    if frame.height != layout.fields.size - 1:
        raise DataError(
            f"{path}: {layout.fields.size - 1} rows by its line ends but {frame.height} by its quotes: "
            "write it again with every quote inside a field doubled"
        )
    return _empty_to_missing(frame)


def _by_hand(path: Path, data: bytes, separator: bytes, names: list[str], added: int) -> pl.DataFrame:
    """Table read by the standard library, which takes a quote within an unquoted field as a character."""
    import polars as pl

    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator.decode(), strict=True)
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))
    rows: list[list[str]] = []
    line = 1 - added
    try:
        for fields in reader:
            if fields and rows and len(fields) != len(names):
                raise _ragged(path, line, len(fields), len(names), 1, added)
            if fields or (rows and len(names) == 1):
                rows.append(fields or [""])
            line = reader.line_num + 1 - added
    except csv.Error as error:
        raise DataError(
            f"{path}, line {line}: quotes do not pair up ({error}): double every quote inside a quoted field"
        ) from None
    if len(rows) < 2:
        raise DataError(f"{path} has a header but no rows")
    columns = zip(*rows[1:], strict=True)
    frame = pl.DataFrame([pl.Series(name, column, pl.String) for name, column in zip(names, columns, strict=True)])
    return _empty_to_missing(frame)


def _empty_to_missing(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))


def _ragged(path: Path, line: int, found: int, expected: int, lines: int, added: int) -> DataError:
    more = f" (and {lines - 1} more lines)" if lines > 1 else ""
    first = "first line" if added else "header"
    return DataError(
        f"{path}, line {line}: {found} field{'s' * (found != 1)} where the {first} has {expected}{more}: "
        "mend the line, or quote fields that hold the separator"
    )
