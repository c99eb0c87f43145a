"""Texts as sequences of words, and each word as a bag of what it is made of."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Keys = NDArray[np.uint32]

#: Words that are read of a text; a class shows earlier.
LONGEST = 256
_WORD = re.compile(r"\[\w+\]|\w+(?:['’]\w+)?|[^\w\s]")
_SHORTEST_PART, _LONGEST_PART = 3, 5
#: Letters of a word that are looked at.
_LETTERS = 40


def split_words(text: str) -> list[str]:
    """Words and signs of a text, the first ``LONGEST``; a name in brackets is one word.

    Examples
    --------
    >>> split_words("[NAME] doesn't know!")
    ['[NAME]', "doesn't", 'know', '!']
    """
    found = (match.group() for match in _WORD.finditer(text))
    return [word for word, _ in zip(found, range(LONGEST), strict=False)]


def word_keys(word: str) -> tuple[list[int], list[int]]:
    """Numbers of a word and of its parts: the word in small letters and how it is written, and its runs of letters.

    A number is the CRC-32 of a name, so that no list of names need be kept; of 60,000 names less than one pair is
    likely to share a number.

    Examples
    --------
    >>> [len(keys) for keys in word_keys("So")], word_keys("so")[0] == word_keys("So")[0][:1]
    ([2, 3], True)
    """
    small = word.lower()[:_LETTERS]
    own = [zlib.crc32(f"word {small}".encode())]
    if len(word) > 1 and word.isupper():
        own.append(zlib.crc32(b"capitals"))
    elif word[:1].isupper():
        own.append(zlib.crc32(b"capital"))
    edged = f"<{small}>"
    lengths = range(_SHORTEST_PART, _LONGEST_PART + 1)
    return own, [zlib.crc32(edged[i : i + n].encode()) for n in lengths for i in range(len(edged) - n + 1)]


@dataclass(frozen=True)
class Words:
    """Texts as places in a list of their words.

    Attributes
    ----------
    kinds : tuple of str
        Words that occur, each once.
    tokens, starts : ndarray of int64
        Places in ``kinds`` of all words, and where those of each text begin, the end included.
    """

    kinds: tuple[str, ...]
    tokens: Ids
    starts: Ids

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """Words of texts."""
        place: dict[str, int] = {}
        tokens: list[int] = []
        starts = [0]
        for text in texts:
            tokens += [place.setdefault(word, len(place)) for word in split_words(text)]
            starts.append(len(tokens))
        return cls(tuple(place), np.array(tokens, dtype=np.int64), np.array(starts, dtype=np.int64))

    @cached_property
    def lengths(self) -> Ids:
        """Words of each text."""
        return np.diff(self.starts)

    def padded(self, rows: Ids) -> Ids:
        """Words of some texts, shape (n_rows, longest), -1 after their end; at least one place wide."""
        lengths = self.lengths[rows]
        out = np.full((len(rows), max(1, lengths.max(initial=0))), -1, dtype=np.int64)
        inside = np.arange(out.shape[1]) < lengths[:, None]
        begins = np.repeat(self.starts[rows], lengths)
        nth = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        out[inside] = self.tokens[begins + nth]
        return out


@dataclass(frozen=True)
class Lexicon:
    """Numbers of what the training words are made of, in rising order; a place in it is a row of a table of vectors."""

    keys: Keys

    @classmethod
    def learn(cls, words: Words) -> Lexicon:
        """What two training texts hold as a word, or two training words as a part."""
        in_texts = np.zeros(len(words.kinds), dtype=np.int64)
        rows = np.repeat(np.arange(len(words.lengths)), words.lengths)
        pairs = np.unique(rows * max(len(words.kinds), 1) + words.tokens)
        np.add.at(in_texts, pairs % max(len(words.kinds), 1), 1)
        own, parts, texts = [], [], []
        for word, n_texts in zip(words.kinds, in_texts.tolist(), strict=True):
            ours, theirs = word_keys(word)
            own += ours
            texts += [n_texts] * len(ours)
            if word == word.lower():
                parts += list(dict.fromkeys(theirs))
        return cls(np.union1d(_twice(own, texts), _twice(parts, [1] * len(parts))).astype(np.uint32))

    def bags(self, words: Words) -> Any:
        """What each word is made of: csr_array of float32, shape (n_kinds, n_keys).

        A word itself counts 1, and its parts that are known 1 together.
        """
        from scipy.sparse import csr_array

        keys, values, counts = [], [], []
        for word in words.kinds:
            own, parts = (self._known(part) for part in word_keys(word))
            keys += [own, parts]
            values += [np.ones(len(own)), np.full(len(parts), 1 / max(len(parts), 1))]
            counts.append(len(own) + len(parts))
        shape = (len(words.kinds), len(self.keys))
        if not counts:
            return csr_array(shape, dtype=np.float32)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        made = csr_array((np.concatenate(values).astype(np.float32), np.concatenate(keys), indptr), shape=shape)
        made.sum_duplicates()
        return made

    def _known(self, keys: list[int]) -> Ids:
        if not len(self.keys):
            return np.empty(0, dtype=np.int64)
        wanted = np.array(keys, dtype=np.uint32)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        known: Ids = places[self.keys[places] == wanted]
        return known


def _twice(keys: list[int], counts: list[int]) -> Keys:
    found, inverse = np.unique(np.array(keys, dtype=np.uint32), return_inverse=True)
    return found[np.bincount(inverse, weights=counts, minlength=len(found)) >= 2]
