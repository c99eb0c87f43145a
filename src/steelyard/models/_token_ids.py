"""Words of sentences as numbers of their features, for a model that learns a vector for each feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from steelyard.features.tokens import AFFIXES, shape_of

Ids = NDArray[np.int64]

#: Numbers that stand beside a sentence and for a word that was not there when the features were learned.
EDGE, UNKNOWN = 0, 1
#: Features seen in fewer tokens than this get no number; words do, for their vectors are dropped at random.
_FEWEST = 2


@dataclass(frozen=True)
class Sentences:
    """Whole sentences, and where in them the rows stand.

    Parameters
    ----------
    words : tuple of str
        Different words, each once.
    tokens : ndarray of int64, shape (n_tokens,)
        Word of each token of all sentences, one after the other; tokens that are no rows included.
    starts : ndarray of int64, shape (n_sentences + 1,)
        First token of each sentence, and the end.
    place : ndarray of int64, shape (n_rows,)
        Token that each row is.
    sentence : ndarray of int64, shape (n_rows,)
        Sentence that each row is in.
    """

    words: tuple[str, ...]
    tokens: Ids
    starts: Ids
    place: Ids
    sentence: Ids

    @classmethod
    def of(cls, X: NDArray[Any]) -> Sentences:
        """Sentences of rows, which hold a ``Token`` each; rows of one sentence share its words."""
        number: dict[int, int] = {}
        found: list[Sequence[str]] = []
        sentence = np.empty(len(X), dtype=np.int64)
        inside = np.empty(len(X), dtype=np.int64)
        for row, token in enumerate(X):
            if id(token.words) not in number:
                number[id(token.words)] = len(found)
                found.append(token.words)
            sentence[row], inside[row] = number[id(token.words)], token.place
        word_of: dict[str, int] = {}
        tokens = np.array([word_of.setdefault(word, len(word_of)) for words in found for word in words], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum([len(words) for words in found])]).astype(np.int64)
        return cls(tuple(word_of), tokens, starts, starts[sentence] + inside, sentence)

    @cached_property
    def rows(self) -> list[Ids]:
        """Rows of each sentence."""
        order = np.argsort(self.sentence, kind="stable")
        counts = np.bincount(self.sentence, minlength=len(self.starts) - 1)
        return np.split(order, np.cumsum(counts)[:-1])


@dataclass(frozen=True)
class Lexicon:
    """Features that have a number: what a word is, its shape, how it begins and ends.

    Words are kept as 32-bit checksums of their features, so that a saved model does not spell out what it was trained
    on; that two features of 100,000 have one number is to be expected once.

    Parameters
    ----------
    keys : ndarray of int64, shape (n_features,)
        Checksums in ascending order.
    """

    keys: Ids

    @classmethod
    def learn(cls, words: Sequence[str], counts: Ids) -> Lexicon:
        """Features of words that come so many times."""
        seen: dict[int, int] = {}
        for word, count in zip(words, counts.tolist(), strict=True):
            own, *others = _checksums(word)
            seen[own] = seen.get(own, 0) + _FEWEST * count
            for key in others:
                seen[key] = seen.get(key, 0) + count
        return cls(np.array(sorted(key for key, count in seen.items() if count >= _FEWEST), dtype=np.int64))

    @property
    def size(self) -> int:
        """Numbers that there are, those of the edge and of unknown words included."""
        return 2 + len(self.keys)

    def ids(self, words: Sequence[str]) -> WordIds:
        """Numbers of some words' features."""
        made = [_checksums(word) for word in words]
        lengths = np.array([len(keys) - 1 for keys in made], dtype=np.int64)
        flat = np.array([key for keys in made for key in keys[1:]], dtype=np.int64)
        own, others = self._number(np.array([keys[0] for keys in made], dtype=np.int64)), self._number(flat)
        known = others != UNKNOWN
        word = np.repeat(np.arange(len(words)), lengths)[known]
        ends = np.concatenate([[0], np.cumsum(np.bincount(word, minlength=len(words)))])
        return WordIds(own, ends, others[known])

    def _number(self, keys: Ids) -> Ids:
        if not len(self.keys):
            return np.full(len(keys), UNKNOWN, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, place + 2, UNKNOWN)


@dataclass(frozen=True)
class WordIds:
    """Numbers of the features of some words.

    Parameters
    ----------
    own : ndarray of int64, shape (n_words,)
        What the word is.
    ends : ndarray of int64, shape (n_words + 1,)
    others : ndarray of int64, shape (ends[-1],)
        The other features of word i are ``others[ends[i]:ends[i + 1]]``.
    """

    own: Ids
    ends: Ids
    others: Ids

    def bags(self, words: Ids, own: Ids) -> tuple[Ids, Ids]:
        """Features of tokens with these words, one bag after the other, and where each begins.

        Parameters
        ----------
        words : ndarray of int64, shape (n_tokens,)
            -1 for the edge.
        own : ndarray of int64, shape (n_tokens,)
            What stands for the word itself.
        """
        inside = words >= 0
        kept = np.where(inside, words, 0)
        lengths = np.where(inside, self.ends[kept + 1] - self.ends[kept], 0)
        starts = np.concatenate([[0], np.cumsum(lengths + 1)])
        flat = np.empty(starts[-1], dtype=np.int64)
        flat[starts[:-1]] = own
        rest = np.ones(len(flat), dtype=bool)
        rest[starts[:-1]] = False
        step = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        flat[rest] = self.others[np.repeat(self.ends[kept], lengths) + step]
        return flat, starts


def _checksums(word: str) -> list[int]:
    return [crc32(name.encode("utf-8", "surrogatepass")) for name in dict.fromkeys(_names(word))]


def _names(word: str) -> Iterator[str]:
    lower = word.lower()
    yield f"0={lower}"
    yield f"s={shape_of(word)}"
    # With both edges in sight a short word is not taken for the beginning of a long one.
    marked = f"<{lower}>"
    for n in range(2, AFFIXES + 2):
        yield f"p={marked[:n]}"
        yield f"e={marked[-n:]}"
    yield f"length={min(len(word), 12)}"
