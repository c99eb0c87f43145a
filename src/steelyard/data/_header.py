"""Whether a delimited file names its columns, and columns at its end that have no name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_NUMBERS = re.compile(r"-?\d+(\.\d+)?([,;|]-?\d+)*")
#: Words of a text, on average.
_WORDS = 3
#: Share of rows in which a column without a name may hold the rest of a field that was cut.
_CUT = 0.05


def first_is_data(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a table looks like the rows below it rather than like names of columns.

    It does where one of its fields is a number above numbers, or, in a table with texts, a value that other rows have
    as well; numbers that count the columns are names.

    Examples
    --------
    >>> first_is_data([["I like it very much", "27"], ["Oh no", "3"], ["What do you mean by that?", "3,4"]])
    True
    >>> first_is_data([["text", "label"], ["I like it very much", "27"], ["What do you mean by that?", "3"]])
    False
    """
    first, below = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if not below or [*first] in ([str(n) for n in range(start, len(first) + start)] for start in (0, 1)):
        return False
    columns = list(zip(*below, strict=True))
    if any(_counts(name, column) for name, column in zip(first, columns, strict=True)):
        return True
    texts = any(sum(len(value.split()) for value in column) >= _WORDS * len(column) for column in columns)
    return texts and any(name and column.count(name) > 1 for name, column in zip(first, columns, strict=True))


def _counts(name: str, column: Sequence[str]) -> bool:
    if not _NUMBERS.fullmatch(name):
        return False
    return sum(_NUMBERS.fullmatch(value) is not None for value in column) > 0.9 * len(column)


def trailing_blanks(names: Sequence[str]) -> int:
    """How many names at the end are blank, where at least two before them are not."""
    named = len(names)
    while named and not names[named - 1].strip():
        named -= 1
    return len(names) - named if named > 1 else 0


def put_back(path: Path, frame: pl.DataFrame, nameless: int, separator: str, notes: list[str]) -> pl.DataFrame:
    """Table without its last columns, that have no name; what few of their fields hold goes back where it was cut.

    Raises
    ------
    DataError
        When too many of them hold something.
    """
    import polars as pl

    if not nameless:
        return frame
    kept, rest = frame.columns[:-nameless], frame.columns[-nameless:]
    held = frame.select(pl.any_horizontal(pl.col(rest).is_not_null()).alias("held"))["held"]
    n_held = int(held.sum())
    many = f"the last {nameless} columns have" if nameless > 1 else "the last column has"
    if n_held > _CUT * frame.height:
        raise DataError(f"{path}: column {len(kept) + 1} has a blank name: give every column a name")
    if not n_held:
        notes.append(f"{path.name}: {many} no name and no values: left out.")
        return frame.select(kept)
    notes.append(
        f"{path.name}: {many} no name and hold{'s' * (nameless == 1)} something in {n_held} rows, where a "
        f"{separator!r} cut a field: put back to {kept[-1]!r}."
    )
    whole = pl.concat_str([kept[-1], *rest], separator=separator, ignore_nulls=True)
    return frame.with_columns(pl.when(pl.lit(held)).then(whole).otherwise(pl.col(kept[-1])).alias(kept[-1])).select(
        kept
    )
