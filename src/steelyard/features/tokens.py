"""A token by its word, its shape, its ends and its neighbours, for models that see one token at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steelyard.features.text import N_HASHED

if TYPE_CHECKING:
    import polars as pl
    from scipy.sparse import csr_array

#: Neighbours on each side whose words are seen, and those whose shape is.
WINDOW, SHAPES = 3, 2
#: Letters of a beginning or an ending.
AFFIXES = 4
_EDGE = "<edge>"


def token_features(words: Sequence[str], lengths: Sequence[int]) -> list[list[str]]:
    """What is known of each token, as named features: one list for each.

    Each token is seen in a window of three words on each side, within its sentence; there is one window for each
    word.

    Parameters
    ----------
    words : sequence of str
        Tokens of all sentences, one sentence after the other.
    lengths : sequence of int
        Tokens of each sentence.

    Examples
    --------
    >>> features = token_features(["Rain", "in", "Ulm", "again"], [3, 1])
    >>> len(features), [name for name in features[2] if name[:3] in ("-1=", "+1=", "0=u")]
    (4, ['-1=in', '0=ulm', '+1=<edge>'])
    """
    made: list[list[str]] = []
    start = 0
    for length in lengths:
        made.extend(_sentence(words[start : start + length]))
        start += length
    return made


def _sentence(words: Sequence[str]) -> Iterator[list[str]]:
    lower = [word.lower() for word in words]
    shapes = [shape_of(word) for word in words]
    around = [_EDGE] * WINDOW
    padded, padded_shapes = [*around, *lower, *around], [*around, *shapes, *around]
    for place, word in enumerate(words):
        own, centre = lower[place], place + WINDOW
        features = [f"{step:+d}={padded[centre + step]}" if step else f"0={own}" for step in range(-WINDOW, WINDOW + 1)]
        features += [f"s{step:+d}={padded_shapes[centre + step]}" for step in range(-SHAPES, SHAPES + 1)]
        features += [f"p={own[:n]}" for n in range(1, AFFIXES + 1)] + [f"e={own[-n:]}" for n in range(1, AFFIXES + 1)]
        features.append(f"-1,0={padded[centre - 1]} {own}")
        features.append(f"0,+1={own} {padded[centre + 1]}")
        features.append(f"s-1,0,+1={'|'.join(padded_shapes[centre - 1 : centre + 2])}")
        features.append(f"length={min(len(word), 12)}")
        if not place:
            features.append("first")
        # A short word is its own beginning.
        yield list(dict.fromkeys(features))


def shape_of(word: str) -> str:
    """Kinds of a word's characters, runs of one kind as two at most.

    Examples
    --------
    >>> shape_of("McDonald's"), shape_of("2017-06"), shape_of("@you"), shape_of("EMNLP")
    ("XxXxx'x", 'dd-dd', '@xx', 'XX')
    """
    kinds = re.sub(r"\d", "d", re.sub(r"[^\W\d_]", lambda found: "X" if found[0].isupper() else "x", word))
    return re.sub(r"(.)\1{2,}", r"\1\1", kinds)[:12]


def hash_features(series: pl.Series) -> csr_array:
    """Named features of each row, a list each, as ones in a hashed matrix (n_rows, N_HASHED) of float32."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction import FeatureHasher

    hasher = FeatureHasher(N_HASHED, input_type="string", dtype=np.float32, alternate_sign=False)
    return csr_array(hasher.transform([[] if row is None else row for row in series.to_list()]))
