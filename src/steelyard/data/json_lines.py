"""JSON Lines: one object per line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from steelyard.data._names import check_names
from steelyard.data._text import read_text
from steelyard.data._values import series_from_values
from steelyard.data.source import ReadOptions, Source
from steelyard.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def read_json_lines(path: Path, options: ReadOptions | None = None) -> Source:
    """Table from a file with one JSON object per line; strings stay strings and numbers numbers.

    Columns are the union of all keys, in order of first appearance; a key that a line lacks is missing there.
    A column that mixes strings with numbers becomes text. Blank lines are skipped.

    Raises
    ------
    DataError
        When a line is not a JSON object or repeats a key (the message names the line), or there is no line.
    """
    notes: list[str] = []
    found = objects_of_lines(path, read_text(path, options, notes), notes)
    if found is None:
        raise DataError(f"{path} has no rows")
    return found


def objects_of_lines(path: Path, data: bytes, notes: Sequence[str] = (), before: int = 0) -> Source | None:
    """Table from the lines of a file after its first ``before``; None where they are blank."""
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    # Not splitlines(): JSON strings may hold U+2028 and other characters at which it would split.
    for number, line in enumerate(data.decode().split("\n"), before + 1):
        if line and not line.isspace():
            rows.append(_row(path, number, line))
            lines.append(number)
    if not rows:
        return None
    return Source(frame_of_objects(path, rows), tuple(notes), np.array(lines, dtype=np.int64))


def frame_of_objects(path: Path, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Table with a column for each key, in order of first appearance."""
    import polars as pl

    names = list(dict.fromkeys(name for row in rows for name in row))
    check_names(path, names)
    try:
        return pl.DataFrame([series_from_values(name, [row.get(name) for row in rows]) for name in names])
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_object)
        if "\\ud" in line.lower():
            # Half of a surrogate pair can be written in JSON and is no character.
            json.dumps(row, ensure_ascii=False).encode("utf-8")
    except _RepeatedKeyError as error:
        raise DataError(f"{path}, line {number}: key {error.args[0]!r} occurs twice in one object") from None
    except UnicodeEncodeError:
        raise DataError(f"{path}, line {number}: half of a surrogate pair, which is no character") from None
    except json.JSONDecodeError as error:
        hint = "; JSON Lines has one object per line, not one list" if line.startswith("[") else ""
        raise DataError(f"{path}, line {number}: not JSON at character {error.pos + 1}: {error.msg}{hint}") from None
    except (RecursionError, ValueError):
        raise DataError(f"{path}, line {number}: JSON too deep or a number too long") from None
    if not isinstance(row, dict):
        raise DataError(
            f'{path}, line {number}: expected one object like {{"name": value}}, found {line.strip()[:20]!r}'
        )
    return row


class _RepeatedKeyError(Exception):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return made
