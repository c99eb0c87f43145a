"""Labels written as numbers of a list that lies beside the data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.data import Source
from steelyard.errors import DataError

if TYPE_CHECKING:
    import polars as pl

#: What such a list is called; one name a line, the first is number 0.
LIST_NAMES = ("labels.txt", "classes.txt")
_NUMBERS = re.compile(r"\d+(?:\s*([,;| ])\s*\d+)*")


def named_labels(path: Path, source: Source, target: str, separator: str | None) -> tuple[pl.Series, str] | None:
    """Labels by name, and a note, where a target holds numbers and a list of names lies beside the file.

    A row that has several numbers, as ``3,17``, gets a list of names; then all rows do.

    Returns
    -------
    tuple or None
        None where there is no list, or the target holds something else than numbers.

    Raises
    ------
    DataError
        When a number is past the end of the list, or a name is blank or repeated; the line is named.
    """
    import polars as pl

    series = source.frame[target]
    beside = next((path.parent / name for name in LIST_NAMES if (path.parent / name).is_file()), None)
    if beside is None or (series.dtype != pl.String and not series.dtype.is_integer()):
        return None
    values = series.cast(pl.String).to_list()
    matches = [None if value is None else _NUMBERS.fullmatch(value.strip()) for value in values]
    if any(match is None and value is not None for match, value in zip(matches, values, strict=True)):
        return None
    names = _names(beside)
    marks = {match[1] for match in matches if match and match[1]}
    found: list[list[str] | None] = []
    for row, value in enumerate(values):
        numbers = [] if value is None else [int(number) for number in re.findall(r"\d+", value)]
        past = [number for number in numbers if number >= len(names)]
        if past:
            raise DataError(
                f"{path}, {source.place(row)}: label {past[0]} is past the end of {beside.name}, which names "
                f"{len(names)} labels (0 to {len(names) - 1})"
            )
        found.append(None if value is None else [names[number] for number in numbers])
    note = f"The numbers in {target!r} are named by {beside.name} beside {path.name}, which lists {len(names)} labels."
    if marks or separator is not None:
        shown = repr(separator or sorted(marks)[0])
        return pl.Series(target, found, dtype=pl.List(pl.String)), f"{note} A row may have several, between {shown}."
    return pl.Series(target, [value[0] if value else None for value in found], dtype=pl.String), note


def _names(beside: Path) -> list[str]:
    names = [line.strip() for line in beside.read_text(encoding="utf-8").splitlines()]
    while names and not names[-1]:
        names.pop()
    for line, name in enumerate(names, 1):
        if not name or name in names[: line - 1]:
            raise DataError(f"{beside}, line {line}: {'a blank name' if not name else f'{name!r} is there twice'}")
    return names
