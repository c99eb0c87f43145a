"""A file that may be larger than memory, a portion of its lines at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from steelyard.data._text import decoded, is_marked
from steelyard.data.json_lines import objects_of_lines
from steelyard.data.lines import texts_of_lines
from steelyard.data.source import ReadOptions, Source
from steelyard.data.table import read_source
from steelyard.errors import DataError

#: Bytes of a portion, about.
PORTION = 4_000_000
_BY_LINES = (".jsonl", ".ndjson", ".txt")


def read_portions(path: Path | str, options: ReadOptions | None = None, size: int | None = None) -> Iterator[Source]:
    r"""Tables that :func:`read_source` would give as one: of a large file of lines one after the other.

    That is JSON Lines or plain text in UTF-8; a smaller file, or one of another kind, comes whole. Each portion has
    the columns that its own lines name, and line numbers are those of the file.

    Parameters
    ----------
    path : path-like
    options : ReadOptions, optional
    size : int, optional
        Bytes of a portion; its last line comes whole.

    Raises
    ------
    UsageError, DataError
        As :func:`read_source`, when the portion is reached.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.txt")
    ...     _ = path.write_text("one\ntwo\nthree\n")
    ...     [source.frame["text"].to_list() for source in read_portions(path, size=6)]
    [['one', 'two'], ['three']]
    """
    path, options, size = Path(path), options or ReadOptions(), size or PORTION
    if path.suffix.lower() not in _BY_LINES or not path.is_file() or path.stat().st_size <= size:
        yield read_source(path, options)
        return
    with path.open("rb") as file:
        whole = options.encoding is not None or is_marked(file.read(4))
        file.seek(0)
        lines, before, empty = [] if whole else file.readlines(size), 0, True
        while lines:
            notes: list[str] = []
            data = decoded(path, b"".join(lines), replace(options, encoding=None), notes, before)
            if path.suffix.lower() == ".txt":
                found: Source | None = texts_of_lines(data, notes, before)
            else:
                found = objects_of_lines(path, data, notes, before)
            if found is not None:
                empty = False
                yield found
            before += len(lines)
            lines = file.readlines(size)
    if whole:
        yield read_source(path, options)
    elif empty:
        raise DataError(f"{path} has no rows")
