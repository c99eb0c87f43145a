"""Files as they come: without a header, in another encoding, with nameless columns, as one JSON document, as lines."""

from __future__ import annotations

import codecs
import json

import pytest

from steelyard.data import ReadOptions, read_source, read_table
from steelyard.errors import DataError, UnknownNameError, UsageError

LOOK = ReadOptions(header=None, mend=True)
TEXTS = ["I like it very much", "what do you mean by that", "see you in the morning", "it was not so good"]


@pytest.fixture
def write(tmp_path):
    def _write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


@pytest.mark.parametrize(
    ("first", "headerless"),
    [
        ("text\tlabel", False),
        ("the text of it\tlabel", False),
        ("0\t1", False),
        ("1\t2", False),
        ("so this is a row\t3", True),
        ("What do you say to this?\tlabel", False),
        ("Hi\t3,4", True),
        ("Hi\t-1", True),
        ("ham\tspam", False),
    ],
)
def test_a_first_line_like_the_others_is_a_row(write, first, headerless):
    lines = "".join(f"{text}\t{number}\n" for number, text in enumerate(TEXTS))
    source = read_source(write("a.tsv", f"{first}\n{lines}"), LOOK)
    assert source.headerless is headerless
    assert source.frame.height == len(TEXTS) + headerless
    assert source.frame.columns == (["column1", "column2"] if headerless else first.split("\t"))
    # Lines are those of the file, whether its first one is a row or not.
    assert source.lines.tolist() == list(range(1 if headerless else 2, len(TEXTS) + 2))


def test_a_label_that_comes_again_makes_the_first_line_a_row(write):
    lines = "ham\tNo idea\n" + "".join(f"{'ham' if n % 2 else 'spam'}\t{text}\n" for n, text in enumerate(TEXTS))
    assert read_source(write("a.tsv", lines), LOOK).headerless
    # Short values are no texts: a name may well be a value too.
    assert not read_source(write("b.csv", "x,y\nx,1\nx,2\n"), LOOK).headerless


def test_header_can_be_said_to_be_missing(write):
    path = write("a.csv", "x,y\n1,2\n")
    assert read_source(path, ReadOptions(header=False)).frame.rows() == [("x", "y"), ("1", "2")]
    assert read_source(path, ReadOptions(header=False, names=("a", "b"))).frame.columns == ["a", "b"]
    with pytest.raises(DataError, match="line 3: 1 field where the first line has 2"):
        read_source(write("b.csv", "x,y\n1,2\n3\n"), ReadOptions(header=False))
    with pytest.raises(DataError, match="line 3: quotes do not pair up"):
        read_source(write("c.csv", 'x,y\n3,4\n"5"6,7\n'), ReadOptions(header=False))


def test_windows_1252_where_it_is_not_utf_8(write):
    path = write("a.csv", b"text,label\nplain,a\n" + "€5 für ‘it’,b\n".encode("windows-1252"))
    source = read_source(path, LOOK)
    assert source.frame["text"].to_list() == ["plain", "€5 für ‘it’"]
    assert source.notes == (
        "a.csv is not UTF-8 in 1 line (the first is line 3): read as Windows-1252 (--encoding names another).",
    )
    with pytest.raises(DataError, match="line 3: byte 0x80 is not UTF-8"):
        read_table(path)


def test_mixed_encodings_are_read_line_by_line(write):
    content = "text,label\n" + "ü,a\n" * 3
    path = write("a.csv", content.encode() + "é,b\n".encode("windows-1252"))
    source = read_source(path, LOOK)
    assert source.frame["text"].to_list() == ["ü"] * 3 + ["é"]
    assert "mixes encodings: 1 line (the first is line 5)" in source.notes[0]


def test_utf_8_by_chance_among_lines_of_windows_1252(write):
    # 0xC3 0xA9 is "é" in UTF-8 and "Ã©" in Windows-1252.
    path = write("a.csv", b"text,label\n" + b"\xe9,a\n" * 30 + b"\xc3\xa9,b\n")
    assert read_source(path, LOOK).frame["text"].to_list() == ["é"] * 30 + ["Ã©"]


def test_bytes_that_no_guess_explains(write):
    with pytest.raises(DataError, match="line 2: byte 0x81 is neither UTF-8 nor Windows-1252; name the file's --enc"):
        read_source(write("a.csv", b"text,label\n\x81,b\n"), LOOK)
    with pytest.raises(DataError, match="line 2: NUL byte"):
        read_source(write("b.csv", b"text,label\n\0,b\n"), LOOK)


@pytest.mark.parametrize("encoding", ["latin-1", "shift_jis", "utf-16-le", "cp1251"])
def test_a_named_encoding(write, encoding):
    word = {"latin-1": "für", "shift_jis": "東京", "utf-16-le": "для", "cp1251": "для"}[encoding]
    path = write("a.csv", f"text,label\n{word},b\n".encode(encoding))
    assert read_source(path, ReadOptions(encoding=encoding)).frame["text"].to_list() == [word]


def test_a_mark_is_worth_more_than_a_named_encoding(write):
    path = write("a.csv", codecs.BOM_UTF8 + "a,b\nü,1\n".encode())
    assert read_source(path, ReadOptions(encoding="latin-1")).frame["a"].to_list() == ["ü"]


def test_encodings_that_are_none(write):
    path = write("a.csv", "a,b\nü,1\n")
    for name in ("klingon", "hex"):
        with pytest.raises(UsageError, match=f"--encoding '{name}' is not known"):
            read_source(path, ReadOptions(encoding=name))
    with pytest.raises(DataError, match="line 2: not valid ASCII, name another --encoding"):
        read_source(path, ReadOptions(encoding="ascii"))


def test_nameless_columns_at_the_end(write):
    empty = read_source(write("a.csv", "label,text,,\nham,Hi there,,\nspam,Win,,\n"), LOOK)
    assert empty.frame.columns == ["label", "text"]
    assert "the last 2 columns have no name and no values" in empty.notes[0]

    rows = "ham,Hi there,,\n" * 30
    cut = read_source(write("b.csv", f"label,text,,\n{rows}spam,Win, now,1\n"), LOOK)
    assert cut.frame["text"].to_list() == ["Hi there"] * 30 + ["Win, now,1"]
    assert "in 1 rows, where a ',' cut a field: put back to 'text'" in cut.notes[0]

    with pytest.raises(DataError, match="column 3 has a blank name"):
        read_source(write("c.csv", "label,text,\n" + "ham,Hi,3\n" * 5), LOOK)
    with pytest.raises(DataError, match="column 3 has a blank name"):
        read_table(write("d.csv", "label,text,\nham,Hi,\n"))


def test_a_text_of_ten_megabytes(write):
    long = "word " * 2_000_000
    for content in (f"text,label\n{long},a\nb,c\n", f'text,label\n{long} 5" x,a\nb,c\n'):
        frame = read_source(write("a.csv", content), LOOK).frame
        assert frame["text"].str.len_chars().to_list()[0] >= len(long)
        assert frame["label"].to_list() == ["a", "c"]


def test_json_documents(write):
    objects = [{"text": "a", "label": 1}, {"text": "b", "label": 2}]
    pairs = [["a", "x"], ["b", "y"]]
    assert read_source(write("a.json", json.dumps(objects))).frame.to_dicts() == objects
    source = read_source(write("b.json", json.dumps(pairs)))
    assert (source.frame.columns, source.frame.rows()) == (["column1", "column2"], [tuple(row) for row in pairs])
    parts = write("c.json", json.dumps({"val": pairs[:1], "train": pairs, "test": pairs[1:]}))
    source = read_source(parts)
    assert source.frame.height == 2
    assert source.notes == ("c.json: the 2 rows of the part 'train' are read; it also holds 'val', 'test' (--split).",)
    assert read_source(parts, ReadOptions(split="val")).frame.rows() == [("a", "x")]
    assert read_source(parts, ReadOptions(usual_split="test")).frame.rows() == [("b", "y")]
    with pytest.raises(UnknownNameError, match="'vla': did you mean 'val'"):
        read_source(parts, ReadOptions(split="vla"))
    with pytest.raises(UsageError, match="holds 'val': say with --split"):
        read_source(write("d.json", json.dumps({"val": pairs})))
    with pytest.raises(UsageError, match="one list of rows"):
        read_source(write("e.json", json.dumps(pairs)), ReadOptions(split="val"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"train": 3}', "expected a list of rows"),
        ("3", "expected a list of rows"),
        ("[]", "has no rows"),
        ('[["a", "b"], ["c"]]', r"row 2: .*\['c'\].* is not like row 1"),
        ('[["a", "b"], {"c": 1}]', "row 2"),
        ('[["a", "b"],\n ["c"', "line 2: not JSON at column"),
        ("[" * 100_000, "too deep|not JSON"),
    ],
)
def test_json_that_is_no_table(write, content, message):
    with pytest.raises(DataError, match=message):
        read_source(write("a.json", content))


def test_lines_of_text(write):
    source = read_source(write("a.txt", "one, two\r\n\nthree\n"))
    assert source.frame["text"].to_list() == ["one, two", None, "three"]
    assert source.frame.columns == ["text"]
