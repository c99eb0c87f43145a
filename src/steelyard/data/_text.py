"""Bytes of a text file as strict UTF-8, or an error that names the line."""

from __future__ import annotations

import codecs
from pathlib import Path

from steelyard.errors import DataError

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> bytes:
    """Content of a text file as valid UTF-8 without a byte-order mark.

    UTF-16 and UTF-32 are accepted when they begin with a byte-order mark.

    Raises
    ------
    DataError
        When the file is empty, has NUL bytes, or is not valid in its encoding; the message names the line.
    """
    data = path.read_bytes()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :] if encoding == "utf-8" else _recoded(path, data, encoding)
            break
    nul = data.find(b"\0")
    if nul >= 0:
        raise DataError(
            f"{path}, line {_line(data, nul)}: NUL byte; this is not a text table "
            "(a spreadsheet or a database? export it as CSV; UTF-16 without a mark? convert it with iconv)"
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {_line(data, error.start)}: byte 0x{data[error.start]:02x} is not UTF-8; "
            "convert the file, for example: iconv -f LATIN1 -t UTF-8 OLD > NEW"
        ) from None
    if not data.strip():
        raise DataError(f"{path} is empty")
    return data


def _recoded(path: Path, data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data[:start].decode(encoding, errors="ignore").count("\n") + 1
        raise DataError(
            f"{path}, line {line}: not valid {encoding.upper()}, as which it begins; convert it to UTF-8"
        ) from None


def _line(data: bytes, position: int) -> int:
    # Old Macintosh files end their lines with \r alone.
    before = data[:position]
    return before.count(b"\n" if b"\n" in data else b"\r") + 1
