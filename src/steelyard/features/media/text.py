"""Text files as the text they hold; what is learned from it is the table's business."""

from __future__ import annotations

import hashlib

from steelyard.errors import DataError
from steelyard.features.media.fingerprint import SIZE

#: Characters that are looked at.
_MOST = 200_000
VERSION = 1


def decode_text(content: bytes) -> str:
    """Text of a file's content: UTF-8, UTF-16 with a mark, or Latin-1 where it is neither.

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


def text_fingerprint(text: str) -> bytes:
    """80 bytes that are equal for texts that differ in case and spaces alone.

    Examples
    --------
    >>> text_fingerprint("A goal") == text_fingerprint("a  GOAL ")
    True
    """
    plain = " ".join(text.casefold().split()).encode("utf-8", "replace")
    return hashlib.shake_256(plain).digest(SIZE)
