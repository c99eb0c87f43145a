"""Plain text: one text a line."""

from __future__ import annotations

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
    import polars as pl

    notes: list[str] = []
    data = read_text(path, options, notes).decode()
    texts = [line.removesuffix("\r") for line in data.removesuffix("\n").split("\n")]
    frame = pl.DataFrame({"text": [text or None for text in texts]}, schema={"text": pl.String})
    return Source(frame, tuple(notes), np.arange(1, len(texts) + 1), headerless=True)
