"""Where the records of a delimited text begin and end, and how many fields each has."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_QUOTE, _NEWLINE, _RETURN = ord('"'), ord("\n"), ord("\r")


@dataclass(frozen=True)
class Layout:
    """Records of a delimited text.

    Attributes
    ----------
    end : ndarray of int64, shape (n_records,)
        Position of the line end that closes each record, or of the end of the text.
    fields : ndarray of int64, shape (n_records,)
        Number of fields.
    blank : ndarray of bool, shape (n_records,)
        True where the record is an empty line.
    lines : ndarray of int64, shape (n_records,)
        Number of the record's first line in the file, from 1; quoted line ends count.
    stray_quote : int or None
        Position of the first quote that neither opens nor closes a whole field.
    separator : bytes
    quoted : bool
        False when quotes are ordinary characters.
    """

    end: NDArray[np.int64]
    fields: NDArray[np.int64]
    blank: NDArray[np.bool_]
    lines: NDArray[np.int64]
    stray_quote: int | None
    separator: bytes
    quoted: bool

    def start(self, record: int) -> int:
        """Position of the record's first byte."""
        return int(self.end[record - 1]) + 1 if record else 0

    def line(self, record: int) -> int:
        """Number of the record's first line in the file."""
        return int(self.lines[record])

    def since(self, record: int) -> Layout:
        """Layout from that record on, over the same text."""
        return replace(
            self,
            end=self.end[record:],
            fields=self.fields[record:],
            blank=self.blank[record:],
            lines=self.lines[record:],
        )


def scan(data: bytes, separator: bytes, *, quoted: bool = True, block_size: int = 1 << 22) -> Layout:
    """Layout of a delimited text, found block by block so that large files need little memory."""
    quoted = quoted and b'"' in data
    everything = np.frombuffer(data, dtype=np.uint8)
    ends, counts, line_numbers = [], [], []
    inside, separators, lines, stray = 0, 0, 0, None
    for begin in range(0, len(data), block_size):
        block = everything[begin : begin + block_size]
        newline = block == _NEWLINE
        between = block == separator[0]
        line_count = np.cumsum(newline) + lines if quoted else None
        if quoted:
            quote = block == _QUOTE
            state = (np.cumsum(quote) + inside) & 1
            if stray is None:
                stray = _stray(everything, np.flatnonzero(quote) + begin, state[quote] == 1, separator[0])
            newline &= state == 0
            between &= state == 0
            inside = int(state[-1])
        at = np.flatnonzero(newline)
        so_far = np.cumsum(between, dtype=np.int64)
        ends.append(at + begin)
        counts.append(so_far[at] + separators)
        if line_count is None:
            line_numbers.append(np.arange(lines + 1, lines + 1 + at.size, dtype=np.int64))
            lines += at.size
        else:
            line_numbers.append(line_count[at])
            lines = int(line_count[-1])
        separators += int(so_far[-1])
    if inside:
        stray = data.rfind(b'"') if stray is None else stray
    end, count, last = (np.concatenate(parts).astype(np.int64) for parts in (ends, counts, line_numbers))
    if not end.size or end[-1] != len(data) - 1:
        end, count = np.append(end, len(data)), np.append(count, separators)
        last = np.append(last, lines + 1)
    starts = np.append(0, end[:-1] + 1)
    length = end - starts
    blank = (length == 0) | ((length == 1) & (everything[np.minimum(starts, len(data) - 1)] == _RETURN))
    first_line = np.append(1, last[:-1] + 1)
    return Layout(end, np.diff(count, prepend=0) + 1, blank, first_line, stray, separator, quoted)


def _stray(data: NDArray[np.uint8], at: NDArray[np.int64], opens: NDArray[np.bool_], separator: int) -> int | None:
    """First quote that opens inside a field or closes before its end.

    By RFC 4180 an opening quote follows a separator, a line end or, as the second half of a doubled one,
    a quote.
    """
    before = np.where(at > 0, data[np.maximum(at - 1, 0)], _NEWLINE)
    after = np.where(at + 1 < data.size, data[np.minimum(at + 1, data.size - 1)], _NEWLINE)
    well = np.where(
        opens,
        np.isin(before, [separator, _NEWLINE, _QUOTE]),
        np.isin(after, [separator, _NEWLINE, _RETURN, _QUOTE]),
    )
    wrong = np.flatnonzero(~well)
    return int(at[wrong[0]]) if wrong.size else None


def without_blank_lines(data: bytes, layout: Layout) -> tuple[bytes, Layout]:
    """Same text without its blank lines; the records keep the line numbers of the file."""
    blank = np.flatnonzero(layout.blank)
    pieces, begin = [], 0
    for record in blank:
        pieces.append(data[begin : layout.start(int(record))])
        begin = int(layout.end[record]) + 1
    pieces.append(data[begin:])
    length = np.diff(layout.end, prepend=-1)
    removed = np.cumsum(np.where(layout.blank, length, 0))
    keep = ~layout.blank
    return b"".join(pieces), replace(
        layout,
        end=(layout.end - removed)[keep],
        fields=layout.fields[keep],
        blank=layout.blank[keep],
        lines=layout.lines[keep],
    )
