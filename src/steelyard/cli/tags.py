"""Tags for the tokens of new sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steelyard.api.tokens import token_frame
from steelyard.cli.progress import say
from steelyard.data import ReadOptions, Tokens, is_conll, read_conll, read_source
from steelyard.errors import DataError
from steelyard.labels import repair_tags
from steelyard.study import sentences_of

if TYPE_CHECKING:
    import polars as pl

    from steelyard.artifact import TrainedModel
    from steelyard.cli.reading import Reading

#: What a plain sentence is cut into: words with their apostrophes and hyphens, and every other sign by itself.
_WORD = re.compile(r"\w+(?:[-'’]\w+)*|[^\w\s]")


def predicted_tags(trained: TrainedModel, data: Path, reading: Reading, *, proba: bool) -> pl.DataFrame:
    """A line for each token: ``sequence``, ``position``, ``token`` and ``prediction``.

    The tags of a sentence follow BIO: one that continues no entity begins it.
    """
    import polars as pl

    tokens = _tokens(data, ReadOptions(encoding=reading.encoding, mend=True, ignore_tags=reading.ignore_tags))
    for note in tokens.notes:
        say(f"note: {note}")
    probabilities = trained.predict_proba(token_frame(tokens))
    tags = [str(tag) for tag in trained.decide(probabilities)]
    tags = [tag for sentence in sentences_of(tags, tokens.lengths) for tag in repair_tags(sentence)]
    columns = {"sequence": tokens.sentence, "position": tokens.position, "token": tokens.words, "prediction": tags}
    if proba:
        columns |= {f"p:{name}": probabilities[:, k] for k, name in enumerate(trained.classes)}
    return pl.DataFrame(columns)


def _tokens(path: Path, options: ReadOptions) -> Tokens:
    if path.suffix.lower() != ".txt" or is_conll(path):
        return read_conll(path, options)
    source = read_source(path, options)
    sentences = [_WORD.findall(text or "") for text in source.frame["text"].to_list()]
    kept = [(line, words) for line, words in enumerate(sentences, 1) if words]
    if not kept:
        raise DataError(f"{path} has no word")
    lengths = np.array([len(words) for _, words in kept])
    lines = np.repeat([line for line, _ in kept], lengths)
    return Tokens(tuple(word for _, words in kept for word in words), None, lengths, lines, source.notes)
