"""Bytes of a text file as strict UTF-8, or an error that names the line."""

from __future__ import annotations

import codecs
from pathlib import Path

from steelyard.data.source import ReadOptions
from steelyard.errors import DataError, UsageError

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Lines in another encoding that are UTF-8 by chance, for each line that is not.
_BY_CHANCE = 0.1


def read_text(path: Path, options: ReadOptions | None = None, notes: list[str] | None = None) -> bytes:
    """Content of a text file as valid UTF-8; see :func:`decoded`.

    Raises
    ------
    DataError
        Also when the file is empty.
    """
    data = decoded(path, path.read_bytes(), options, notes)
    if not data.strip():
        raise DataError(f"{path} is empty")
    return data


def is_marked(data: bytes) -> bool:
    """Whether bytes begin with a byte-order mark."""
    return any(data.startswith(mark) for mark, _ in _MARKS)


def decoded(
    path: Path, data: bytes, options: ReadOptions | None = None, notes: list[str] | None = None, before: int = 0
) -> bytes:
    """Bytes of a text file, or of the lines that follow its first ``before``, as valid UTF-8 without a byte-order mark.

    UTF-16 and UTF-32 are accepted when they begin with a byte-order mark. With ``options.mend`` lines that are not
    UTF-8 are read as Windows-1252, and a note says so.

    Raises
    ------
    DataError
        When there are NUL bytes, or bytes are not valid in their encoding; the message names the line.
    UsageError
        When there is no such encoding.
    """
    options = options or ReadOptions()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :] if encoding == "utf-8" else _recoded(path, data, encoding)
            break
    else:
        if options.encoding is not None:
            data = _recoded(path, data, _known(options.encoding), asked=True)
    nul = data.find(b"\0")
    if nul >= 0:
        raise DataError(
            f"{path}, line {before + _line(data, nul)}: NUL byte; this is not a text table "
            "(a spreadsheet or a database? export it as CSV; UTF-16 without a mark? convert it with iconv)"
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if options.mend and notes is not None:
            return _mended(path, data, notes, before)
        raise DataError(
            f"{path}, line {before + _line(data, error.start)}: byte 0x{data[error.start]:02x} is not UTF-8; "
            "convert the file, for example: iconv -f LATIN1 -t UTF-8 OLD > NEW"
        ) from None
    return data


def _known(encoding: str) -> str:
    try:
        # Some codecs, such as hex, make no text; an empty one is not tried.
        b"a ".decode(encoding, "replace")
        return codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(
            f"--encoding {encoding!r} is not known; such as utf-8, latin-1, windows-1252, utf-16, shift_jis"
        ) from None


def _recoded(path: Path, data: bytes, encoding: str, *, asked: bool = False) -> bytes:
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = data[:start].decode(encoding, errors="ignore").count("\n") + 1
        hint = "name another --encoding" if asked else "as which it begins; convert it to UTF-8"
        raise DataError(f"{path}, line {line}: not valid {encoding.upper()}, {hint}") from None


def _mended(path: Path, data: bytes, notes: list[str], before: int) -> bytes:
    """Lines that are not UTF-8 read as Windows-1252, the encoding that most often stands behind such bytes."""
    made, other, wide = [], [], []
    lines = data.split(b"\n")
    for number, line in enumerate(lines, before + 1):
        try:
            made.append(line.decode("utf-8"))
            if not line.isascii():
                wide.append(number)
        except UnicodeDecodeError as error:
            other.append(number)
            made.append(_windows(path, number, line, error.start))
    which = f"{len(other)} line{'s' * (len(other) > 1)} (the first is line {other[0]})"
    if len(wide) > _BY_CHANCE * len(other):
        notes.append(f"{path.name} mixes encodings: {which} are not UTF-8 and were read as Windows-1252.")
    else:
        for number in wide:
            place = number - before - 1
            made[place] = _windows(path, number, lines[place], 0)
        notes.append(f"{path.name} is not UTF-8 in {which}: read as Windows-1252 (--encoding names another).")
    return "\n".join(made).encode("utf-8")


def _windows(path: Path, number: int, line: bytes, start: int) -> str:
    try:
        return line.decode("windows-1252")
    except UnicodeDecodeError:
        raise DataError(
            f"{path}, line {number}: byte 0x{line[start]:02x} is neither UTF-8 nor Windows-1252; "
            "name the file's --encoding"
        ) from None


def _line(data: bytes, position: int) -> int:
    # Old Macintosh files end their lines with \r alone.
    before = data[:position]
    return before.count(b"\n" if b"\n" in data else b"\r") + 1
