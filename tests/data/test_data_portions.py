"""A large file in portions is the file as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from steelyard.data import ReadOptions, read_portions, read_source
from steelyard.errors import DataError


def json_lines(path: Path, n: int = 50) -> Path:
    rows = [{"text": f"Zeile {k} für dich", "n": k} if k % 7 else {"text": None, "n": k} for k in range(n)]
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("size", [1, 100, 700, 1_000_000])
def test_portions_of_json_lines_are_the_whole(tmp_path: Path, size: int) -> None:
    path = json_lines(tmp_path / "a.jsonl")
    whole, parts = read_source(path), list(read_portions(path, size=size))
    assert (len(parts) > 1) == (size < 1_000)
    assert pl.concat([part.frame for part in parts], how="diagonal_relaxed").rows() == whole.frame.rows()
    assert [line for part in parts for line in part.lines.tolist()] == whole.lines.tolist()


def test_portions_of_plain_lines_are_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\n\r\nthree \xe2\x80\xa8 still\r\nfour")
    parts = list(read_portions(path, size=5))
    assert [text for part in parts for text in part.frame["text"].to_list()] == read_source(path).frame[
        "text"
    ].to_list()


def test_an_error_names_the_line_of_the_file(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a.jsonl")
    lines = path.read_bytes().split(b"\n")
    lines[60] = b'{"text": "cut'
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(DataError, match=r"a\.jsonl, line 61: not JSON"):
        list(read_portions(path, size=300))
    for wrong, said in ((b"\0", "NUL byte"), (b"\xff", "byte 0xff is not UTF-8")):
        lines[60] = b'{"text": "' + wrong + b'"}'
        path.write_bytes(b"\n".join(lines))
        with pytest.raises(DataError, match=rf"a\.jsonl, line 61: {said}"):
            list(read_portions(path, size=300))


def test_other_encodings(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a.jsonl")
    text, expected = path.read_text("utf-8"), read_source(path).frame.rows()
    path.write_text(text, "utf-16")
    assert [row for part in read_portions(path, size=300) for row in part.frame.rows()] == expected
    path.write_bytes(text.encode("windows-1252"))
    named = read_portions(path, ReadOptions(encoding="windows-1252"), size=300)
    assert [row for part in named for row in part.frame.rows()] == expected
    parts = list(read_portions(path, ReadOptions(mend=True), size=300))
    assert [text for part in parts for text in part.frame["text"]] == [row[0] for row in expected]
    assert "line" in parts[0].notes[0]


def test_blank_lines_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n \n" * 20)
    with pytest.raises(DataError, match="has no rows"):
        list(read_portions(path, size=10))
