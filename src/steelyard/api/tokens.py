"""Sentences with a tag for each token, as a table: a row for each token, the rows of a sentence kept together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steelyard.api.prepare import RawTable
from steelyard.data import ReadOptions, Tokens, read_conll
from steelyard.errors import DataError
from steelyard.features import token_features
from steelyard.features.schema import Kind
from steelyard.labels import repair_tags
from steelyard.study import sentences_of

if TYPE_CHECKING:
    import polars as pl

#: Column that holds what is known of a token.
FEATURES = "token_features"
#: Columns of what models that read whole sentences need.
WORD, SENTENCE = "token", "sentence"
ROLES: dict[str, Kind] = {FEATURES: "tokens", WORD: "word", SENTENCE: "sentence"}


def token_frame(tokens: Tokens) -> pl.DataFrame:
    """Table with the named features of each token, its word and the number of its sentence."""
    import polars as pl

    features = token_features(tokens.words, tokens.lengths.tolist())
    return pl.DataFrame({FEATURES: features, WORD: list(tokens.words), SENTENCE: tokens.sentence})


def token_table(path: Path, options: ReadOptions) -> RawTable:
    """Tokens of a CoNLL file with their tags.

    Tags that do not follow their scheme, as an I that continues nothing, are put right, and a note says so. Tokens
    whose tag stands for none have no label; they stay where they are.

    Raises
    ------
    DataError
        When the file has no tags, or is damaged; the line is named.
    """
    tokens = read_conll(path, options)
    if tokens.tags is None:
        raise DataError(f"{path} has one column: the tag of each token belongs into the last one")
    tags = list(tokens.tags)
    known = np.array([tag not in options.ignore_tags for tag in tags])
    given = [tags[row] for row in np.flatnonzero(known)]
    lengths = np.bincount(tokens.sentence[known], minlength=len(tokens.lengths))
    mended = [tag for sentence in sentences_of(given, lengths) for tag in repair_tags(sentence)]
    for row, tag in zip(np.flatnonzero(known).tolist(), mended, strict=True):
        tags[row] = tag
    notes = [*tokens.notes, f"{path.name}: {len(tokens.lengths)} sentences; those of a fold are tagged unseen."]
    changed = np.flatnonzero([tag != was for tag, was in zip(tags, tokens.tags, strict=True)])
    if changed.size:
        first = int(changed[0])
        notes.append(
            f"{changed.size} tags continue no entity of their type and are read as its beginning (the first is "
            f"{tokens.tags[first]!r} in line {int(tokens.lines[first])})."
        )
    return RawTable(
        features=token_frame(tokens),
        labels=[tag if keep else None for tag, keep in zip(tags, known.tolist(), strict=True)],
        groups=tokens.sentence.tolist(),
        path=str(path),
        target="tag",
        warnings=tuple(notes),
        tokens=replace(tokens, tags=tuple(tags)),
        roles=ROLES,
    )
