"""Short texts as hashed n-grams."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.media.fingerprint import SIZE

#: Columns of words (one and two in a row) and of letters (three to five).
N_WORDS, N_LETTERS = 512, 512
NAMES = (*(f"words {number}" for number in range(N_WORDS)), *(f"letters {number}" for number in range(N_LETTERS)))
VERSION = 1
#: Characters that are looked at.
_MOST = 200_000


def decode_text(content: bytes) -> str:
    """Text of a file's content: UTF-8 or UTF-16 with a mark, Latin-1 where it is neither.

    Raises
    ------
    DataError
        When it is empty, or holds what no text does.

    Examples
    --------
    >>> decode_text("Glück".encode("latin-1"))
    'Glück'
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        raise DataError("not a text: it holds zero bytes")
    if not text.strip():
        raise DataError("empty")
    return text[:_MOST]


def describe_text(text: str) -> NDArray[np.float32]:
    """Hashed counts of words and of letter sequences, each part of length 1.

    Returns
    -------
    ndarray of float32, shape (1024,)

    Examples
    --------
    >>> bool((describe_text("good goal") != 0).sum() > 5)
    True
    """
    made = [vectorizer.transform([text]).toarray()[0] for vectorizer in _vectorizers()]
    return np.concatenate(made).astype(np.float32)


def text_fingerprint(text: str) -> bytes:
    """80 bytes that are equal for texts that differ in case and spaces alone."""
    plain = " ".join(text.casefold().split()).encode("utf-8", "replace")
    return hashlib.shake_256(plain).digest(SIZE)


@cache
def _vectorizers() -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import HashingVectorizer

    words = HashingVectorizer(n_features=N_WORDS, ngram_range=(1, 2), norm="l2", token_pattern=r"(?u)\b\w+\b")
    letters = HashingVectorizer(n_features=N_LETTERS, ngram_range=(3, 5), analyzer="char_wb", norm="l2")
    return words, letters
