"""Options of every command that reads a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class Reading:
    """How the file is read.

    Parameters
    ----------
    text
        Column that holds texts, or several separated by commas; found by its words otherwise.
    no_header
        The first line of a .csv or .tsv is a row: columns are called column1, column2 and so on.
    encoding
        Encoding of the file, such as windows-1252; UTF-8 by default.
    split
        Which part of a JSON file that holds several lists of rows; train by default.
    ignore_tag
        Tag that stands for none in a file of tagged tokens, or several separated by commas: such a token is seen by
        its neighbours, and neither trained on nor scored.
    """

    text: str | None = None
    no_header: Annotated[bool, Parameter(negative="")] = False
    encoding: str | None = None
    split: str | None = None
    ignore_tag: Annotated[str, Parameter(allow_leading_hyphen=True)] = "-100"

    @property
    def ignore_tags(self) -> tuple[str, ...]:
        """Tags that stand for none."""
        return tuple(tag.strip() for tag in self.ignore_tag.split(","))


#: Nothing said.
AS_USUAL = Reading()
