"""Tables written portion by portion: to a file that is there whole or not at all, or to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from steelyard.files import replacing

if TYPE_CHECKING:
    import polars as pl

WRITERS = (".csv", ".tsv", ".jsonl", ".parquet")


class TableWriter:
    """Writes tables of the same columns one after the other.

    Parameters
    ----------
    file : binary file, optional
        Where to write; nowhere when left out.
    suffix : str
        Its form.
    as_json, as_csv : bool
        What to print on stdout: a list of objects, or lines with a header.
    """

    def __init__(self, file: IO[bytes] | None, suffix: str, *, as_json: bool, as_csv: bool) -> None:
        self.file, self.suffix, self.as_json, self.as_csv = file, suffix, as_json, as_csv
        self.parts: list[pl.DataFrame] = []
        self.first = True

    def write(self, table: pl.DataFrame) -> None:
        """One more table."""
        if self.as_csv:
            sys.stdout.write(table.write_csv(include_header=self.first))
        if self.as_json:
            objects = table.write_json().strip()[1:-1]
            sys.stdout.write(("[" if self.first else "") + ("," if objects and not self.first else "") + objects)
        if self.file is not None and self.suffix == ".parquet":
            # Columns are stored one after the other, so the rows must all be there first.
            self.parts.append(table)
        elif self.file is not None and self.suffix == ".jsonl":
            table.write_ndjson(self.file)
        elif self.file is not None:
            table.write_csv(self.file, include_header=self.first, separator="\t" if self.suffix == ".tsv" else ",")
        self.first = False

    def end(self) -> None:
        """What follows the last table."""
        import polars as pl

        if self.parts and self.file is not None:
            pl.concat(self.parts, how="vertical_relaxed").write_parquet(self.file)
        if self.as_json:
            sys.stdout.write("]\n")


@contextmanager
def table_writer(output: Path | None, as_json: bool) -> Iterator[TableWriter]:
    """Writer to a file (.csv, .tsv, .jsonl, .parquet), or to stdout as CSV; as JSON there where asked for."""
    if output is None:
        writer = TableWriter(None, "", as_json=as_json, as_csv=not as_json)
        yield writer
        writer.end()
        return
    with replacing(output) as temporary, temporary.open("wb") as file:
        writer = TableWriter(file, output.suffix, as_json=as_json, as_csv=False)
        yield writer
        writer.end()
