"""One JSON document with rows, or with several lists of rows by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from steelyard.data._text import read_text
from steelyard.data.json_lines import frame_of_objects
from steelyard.data.source import ReadOptions, Source
from steelyard.errors import DataError, UnknownNameError, UsageError


def read_json(path: Path, options: ReadOptions | None = None) -> Source:
    """Table from a list of objects, or of ``[text, label]`` pairs; or from one such list of several by name.

    Of several lists the one that ``options`` name is read, and a note says so.

    Raises
    ------
    DataError
        When the document is damaged or holds something else; the place is named.
    UsageError
        When a part is named and there is none, or the usual one is not there.
    """
    options, notes = options or ReadOptions(), list[str]()
    content = read_text(path, options, notes).decode()
    try:
        document = json.loads(content)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno}: not JSON at column {error.colno}: {error.msg}") from None
    except (RecursionError, ValueError):
        raise DataError(f"{path}: JSON too deep or a number too long") from None
    if isinstance(document, dict) and document and all(isinstance(part, list) for part in document.values()):
        part = _part(path, list(document), options)
        rows = document[part]
        others = ", ".join(repr(name) for name in document if name != part)
        also = f"; it also holds {others} (--split)" if others else ""
        notes.append(f"{path.name}: the {len(rows)} rows of the part {part!r} are read{also}.")
    elif isinstance(document, list):
        if options.split is not None:
            raise UsageError(f"--split {options.split}: {path} has one list of rows, not several by name")
        rows = document
    else:
        raise DataError(f"{path}: expected a list of rows, or lists of rows by name, found {content.strip()[:20]!r}")
    return replace(_source(path, rows), notes=tuple(notes))


def _part(path: Path, names: list[str], options: ReadOptions) -> str:
    if options.split is not None and options.split not in names:
        raise UnknownNameError("part", options.split, names)
    part = options.split or options.usual_split
    if part not in names:
        raise UsageError(f"{path} holds {', '.join(map(repr, names))}: say with --split which to read")
    return part


def _source(path: Path, rows: list[Any]) -> Source:
    if not rows:
        raise DataError(f"{path} has no rows")
    first = rows[0]
    kind = dict if isinstance(first, dict) else list if isinstance(first, list) else str
    for number, row in enumerate(rows, 1):
        if not isinstance(row, kind) or (kind is list and len(row) != len(first)):
            raise DataError(f"{path}, row {number}: {str(row)[:40]!r} is not like row 1, {str(first)[:40]!r}")
    if kind is dict:
        return Source(frame_of_objects(path, rows))
    values = rows if kind is list else [[row] for row in rows]
    names = [f"column{place}" for place in range(1, len(values[0]) + 1)]
    return Source(
        frame_of_objects(path, [dict(zip(names, row, strict=True)) for row in values]), headerless=kind is list
    )
