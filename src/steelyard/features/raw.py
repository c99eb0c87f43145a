"""Rows as they were read, for models that read texts and files themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.features._base import FittedEncoder
from steelyard.features.matrix import TableMatrix
from steelyard.features.schema import TableSchema


class Token(NamedTuple):
    """A token in its sentence; tokens of one sentence share the list of its words."""

    words: tuple[str, ...]
    place: int


@dataclass(frozen=True, eq=False)
class Raw(FittedEncoder):
    """Rows as objects: a text, the path of a file (None where there is none), or a token.

    Attributes
    ----------
    content : {"text", "file", "tokens"}
    names : tuple of str
        Columns that are read; several texts of a row are joined by a line break.
    """

    style: ClassVar[str] = "raw"

    content: str
    names: tuple[str, ...]

    @classmethod
    def learn(cls, matrix: TableMatrix, schema: TableSchema) -> Raw:
        """Encoder for what the schema holds beside numbers and categories.

        Raises
        ------
        UsageError
            When that is nothing, or texts and files at once.
        """
        found = {"text": schema.text, "file": schema.files, "tokens": schema.words}
        held = [content for content, names in found.items() if names]
        if len(held) != 1:
            what = "files of texts and of images at once" if held else "neither texts, nor files, nor tagged tokens"
            raise UsageError(f"a model that reads texts or images itself cannot be trained here: the data hold {what}")
        return cls(held[0], found[held[0]])

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        return self.names

    @property
    def categorical_mask(self) -> NDArray[np.bool_]:
        """False throughout."""
        return np.zeros(len(self.names), dtype=bool)

    def transform(self, matrix: TableMatrix) -> NDArray[Any]:
        """Rows as objects, shape (n_rows,).

        Raises
        ------
        UsageError
            When the rows were taken to where only numbers go, as to another process.
        """
        if matrix.raw is None:
            raise UsageError("texts and files are read in one process only: use n_jobs=1 for this model")
        out = np.empty(len(matrix), dtype=object)
        rows = np.arange(len(matrix)) if matrix.raw_rows is None else matrix.raw_rows
        if self.content == "tokens":
            # Of sentences in part tokens without a tag, all are read.
            made = _tokens(*(matrix.raw[name].to_list() for name in self.names))
            out[:] = [made[row] for row in rows]
            return out
        columns = [matrix.raw[name].gather(rows).to_list() for name in self.names]
        for row, values in enumerate(zip(*columns, strict=True)):
            if self.content == "text":
                out[row] = "\n".join(value or "" for value in values)
            else:
                out[row] = None if values[0] is None else Path(values[0])
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What is read; no arrays."""
        return {"style": self.style, "content": self.content, "names": list(self.names)}, {}

    @classmethod
    def _from_state(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Raw:
        return cls(str(meta["content"]), tuple(meta["names"]))


def _tokens(words: list[str | None], sentences: list[int | None]) -> list[Token]:
    """Tokens from words and the number of the sentence each is in; a sentence's tokens stand together."""
    made: list[Token] = []
    start = 0
    for row in range(1, len(words) + 1):
        if row == len(words) or sentences[row] != sentences[start]:
            sentence = tuple(word or "" for word in words[start:row])
            made += [Token(sentence, place) for place in range(row - start)]
            start = row
    return made
