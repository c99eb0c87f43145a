"""How a file is to be read, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ReadOptions:
    """How a file is to be read.

    Parameters
    ----------
    encoding : str, optional
        Encoding of a text file, as Python names it; UTF-8 when left out.
    header : bool, optional
        Whether the first line of a delimited file names the columns; None looks for it.
    names : tuple of str
        Names of the columns where there is no header; ``column1`` and so on when empty.
    split : str, optional
        Which part of a JSON file that holds several.
    usual_split : str, default "train"
        The part that is read where none is named.
    mend : bool, default False
        Whether to go on, with a note, where bytes are not UTF-8 or the last columns have no name.
    ignore_tags : tuple of str, default ("-100",)
        What stands, in a file of tagged tokens, for no tag; a tag may be empty only where this holds an empty text.
    """

    encoding: str | None = None
    header: bool | None = True
    names: tuple[str, ...] = ()
    split: str | None = None
    usual_split: str = "train"
    mend: bool = False
    ignore_tags: tuple[str, ...] = ("-100",)


@dataclass(frozen=True, eq=False)
class Source:
    """A table as it was read.

    Attributes
    ----------
    frame : polars.DataFrame
    notes : tuple of str
        Sentences on what was decided or mended.
    lines : ndarray of int64, shape (n_rows,), optional
        Line of the file on which each row begins, from 1.
    headerless : bool
        Whether the columns have made-up names.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    lines: NDArray[np.int64] | None = field(default=None)
    headerless: bool = False

    def place(self, row: int) -> str:
        """Where a row is, for an error message."""
        return f"row {row + 1}" if self.lines is None else f"line {int(self.lines[row])}"
