"""Plain text: one text a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steelyard.data._text import read_text
from steelyard.data.source import ReadOptions, Source


def read_lines(path: Path, options: ReadOptions | None = None) -> Source:
    """Table with the column ``text`` and a row for each line; an empty line is a missing text.

    Raises
    ------
    DataError
        When the file is empty, has NUL bytes, or is not valid in its encoding; the message names the line.
    """
    notes: list[str] = []
    return texts_of_lines(read_text(path, options, notes), notes)


def texts_of_lines(data: bytes, notes: Sequence[str] = (), before: int = 0) -> Source:
    """Table from the lines of a file after its first ``before``."""
    import polars as pl

    texts = [line.removesuffix("\r") for line in data.decode().removesuffix("\n").split("\n")]
    frame = pl.DataFrame({"text": [text or None for text in texts]}, schema={"text": pl.String})
    return Source(frame, tuple(notes), np.arange(before + 1, before + len(texts) + 1), headerless=True)
