"""CoNLL: a token a line with its tag in the last column, and a blank line between sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelyard.data._text import read_text
from steelyard.data.source import ReadOptions
from steelyard.errors import DataError

#: Suffixes of files that hold nothing else.
CONLL_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".annotated")
#: Lines that are looked at to tell a file by what it holds.
_LOOKED_AT = 400


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of sentences, one after the other.

    Attributes
    ----------
    words : tuple of str, length n_tokens
    tags : tuple of str or None
        None where the file has words only.
    lengths : ndarray of int64, shape (n_sentences,)
    lines : ndarray of int64, shape (n_tokens,)
        Line of the file, from 1.
    notes : tuple of str
    """

    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    lengths: NDArray[np.int64]
    lines: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> NDArray[np.int64]:
        """Number of each token's sentence, from 0."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def position(self) -> NDArray[np.int64]:
        """Position of each token in its sentence, from 0."""
        starts = np.cumsum(self.lengths) - self.lengths
        return np.arange(len(self.words)) - np.repeat(starts, self.lengths)


def read_conll(path: Path, options: ReadOptions | None = None) -> Tokens:
    """Tokens of a CoNLL file: the word in the first column, the tag in the last, by tabs or else by spaces.

    Blank lines end a sentence, also where they hold tabs or spaces. ``-DOCSTART-`` and lines that begin with ``# ``
    are passed over, unless they have a tag, for ``#`` may be a token. All lines must have as many columns as the first.

    Raises
    ------
    DataError
        When a line has another number of columns than the first (it is named), a word is empty, a tag is empty where
        that does not stand for none, or there is no token.
    """
    notes: list[str] = []
    options = options or ReadOptions()
    content = read_text(path, options, notes).decode()
    separator = "\t" if "\t" in content.strip() else None
    words: list[str] = []
    tags: list[str] = []
    lines: list[int] = []
    lengths, length, columns = list[int](), 0, 0
    for number, line in enumerate(content.split("\n"), 1):
        plain = line.rstrip("\r")
        if not plain.strip():
            if length:
                lengths.append(length)
            length = 0
            continue
        fields = [field.strip() for field in plain.split(separator)]
        if fields[0] == "-DOCSTART-" or _is_comment(plain, fields, columns):
            continue
        columns = columns or len(fields)
        if len(fields) != columns:
            raise DataError(
                f"{path}, line {number}: {len(fields)} column{'s' * (len(fields) != 1)} where the lines before have "
                f"{columns}: mend the line, or leave an empty one between sentences"
            )
        if not fields[0]:
            raise DataError(f"{path}, line {number}: the word is empty")
        if not fields[-1] and "" not in options.ignore_tags:
            raise DataError(
                f"{path}, line {number}: the tag is empty: write one, or say --ignore-tag '' if the token has none"
            )
        words.append(fields[0])
        tags.append(fields[-1])
        lines.append(number)
        length += 1
    if length:
        lengths.append(length)
    if not words:
        raise DataError(f"{path} has no token")
    found = tuple(tags) if columns > 1 else None
    return Tokens(tuple(words), found, np.array(lengths), np.array(lines), tuple(notes))


def _is_comment(line: str, fields: list[str], columns: int) -> bool:
    if not line.startswith("# "):
        return False
    return " = " in line or (len(fields) != columns if columns else not _is_tag(fields[-1]))


def _is_tag(text: str) -> bool:
    return text in ("O", "B", "I") or text[:2] in ("B-", "I-", "E-", "S-", "L-", "U-")


def is_conll(path: Path) -> bool:
    """Whether a file looks like CoNLL: by its suffix, or, of a ``.tsv`` or ``.txt``, by what it begins with.

    Its lines then have two columns or more, the last of which are tags such as ``O`` and ``B-PER``, with blank lines
    in between.
    """
    suffix = path.suffix.lower()
    if suffix in CONLL_SUFFIXES:
        return True
    if suffix not in (".tsv", ".txt") or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(1 << 16).decode("utf-8", "replace").split("\n")[:_LOOKED_AT]
    rows = [line.split() for line in head if line.strip()]
    last = [row[-1] for row in rows if len(row) > 1]
    tagged = sum(map(_is_tag, last))
    return len(rows) < len(head) - 1 and tagged > 0.9 * len(rows) > 0
