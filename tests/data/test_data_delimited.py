from __future__ import annotations

import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.data._records import scan
from steelyard.data.table import read_table
from steelyard.errors import DataError

ANY_TEXT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=6)
FIELDS = st.one_of(ANY_TEXT, st.text('",;\t\n x', max_size=5))


@pytest.fixture
def read(tmp_path):
    def _read(content: str | bytes, suffix: str = ".csv") -> pl.DataFrame:
        path = tmp_path / f"t{suffix}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path)

    return _read


def test_every_column_is_text_and_only_the_empty_field_is_missing(read):
    frame = read('a,b,c\n1,,NA\n007,"",None\n')
    assert frame.dtypes == [pl.String] * 3
    assert frame.rows() == [("1", None, "NA"), ("007", None, "None")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3\n", "line 3: 1 field where the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "line 3: 3 fields where the header has 2"),
        ("a,b\n1,2\n3,4,5\n6\n7\n", r"line 3: 3 fields .*\(and 2 more lines\)"),
        ("a,b\n\n1,2\n\n3", "line 5: 1 field"),
        ('a,b\n1,"x\n\ny"\n3\n', "line 5: 1 field"),
        ('"a\nb",c\n1\n', "line 3: 1 field"),
        ('a,b\n1,x"y\n3\n', "line 3: 1 field"),
        ('a,b\n5,6\n1,"2\n4,5\n', "line 3: quotes do not pair up"),
        ('a,b\n1,"x"y\n', "line 2: quotes do not pair up"),
        ("a,b\n", "has a header but no rows"),
        ("a,b", "has a header but no rows"),
        ("a,b\n\n\n", "has a header but no rows"),
        ('a",b\n', "has a header but no rows"),
        ("\n\n", "is empty"),
        ("a,b,a\n1,2,3\n", "column name 'a' occurs more than once"),
        ("a,,b\n1,2,3\n", "column 2 has a blank name"),
        ("a,  \n1,2\n", "column 2 has a blank name"),
        (",a\n0,2\n", r"column 1 has a blank name.*index=False"),
        (b"a,b\n1,\xe9\n", "line 2: byte 0xe9 is not UTF-8.*iconv"),
        (b"a,b\r1,2\r3,\xe9\r", "line 3: byte 0xe9 is not UTF-8"),
        (b"a,b\n1,\0\n", "line 2: NUL byte"),
        (b"PK\x03\x04\x14\0\x06\0", "line 1: NUL byte"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1: NUL byte.*iconv"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "not valid UTF-16"),
    ],
)
def test_bad_content_is_one_clear_line(read, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(read, encoding):
    assert read("a,b\n1,é\n".encode(encoding)).rows() == [("1", "é")]


def test_utf16_of_both_byte_orders(read):
    assert read(b"\xfe\xff" + "a,b\n1,é\n".encode("utf-16-be")).rows() == [("1", "é")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_blank_lines(read, newline):
    content = newline.join(["", "a,b", "1,2", "", "3,4", "", ""])
    assert read(content).rows() == [("1", "2"), ("3", "4")]


def test_blank_lines_below_a_single_column_are_missing_values(read):
    assert read("a\n1\n\n2\n")["a"].to_list() == ["1", None, "2"]
    assert read('\na\n1\nx"\n\n')["a"].to_list() == ["1", 'x"', None]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_are_found_in_the_header(read, mark):
    assert read(f"a{mark}b\n1{mark}2,5\n").rows() == [("1", "2,5")]


def test_commas_win_when_the_header_has_some(read):
    assert read("a;b,c\n1;2,3\n").columns == ["a;b", "c"]


def test_a_quoted_comma_in_the_header_is_no_separator(read):
    assert read('"a,b";c\n1;2\n').columns == ["a,b", "c"]


def test_quotes_inside_unquoted_fields_are_characters(read):
    assert read('a,b\n5" pipe,6" pipe\n1,x\n').rows() == [('5" pipe', '6" pipe'), ("1", "x")]


def test_tsv_with_quotes_that_do_not_pair_up(read):
    frame = read('a\tb\n"Hi" he said\t1\n5"\t\n', ".tsv")
    assert frame.rows() == [('"Hi" he said', "1"), ('5"', None)]
    assert read('a\tb\n"x\ty"\t1\n', ".tsv").rows() == [("x\ty", "1")]


def test_ragged_tsv(read):
    with pytest.raises(DataError, match="line 2: 1 field"):
        read("a\tb\n1,2\n", ".tsv")


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_standard_library_writes_is_read_back(tmp_path_factory, rows, end):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows([("a", 'b"', "c\nd"), *rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(out.getvalue().encode())
    frame = read_table(path)
    assert frame.columns == ["a", 'b"', "c\nd"]
    assert frame.rows() == [tuple(field or None for field in row) for row in rows]


@settings(deadline=None)
@given(rows=st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=8))
def test_tsv_that_polars_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tsv") / "t.tsv"
    pl.DataFrame(rows, schema=["a", "b"], orient="row").write_csv(path, separator="\t")
    assert read_table(path).rows() == [tuple(field or None for field in row) for row in rows]


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(FIELDS, min_size=2, max_size=4), min_size=1, max_size=8),
    block=st.integers(1, 40),
)
def test_records_and_fields_are_those_of_the_standard_library(rows, block):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    layout = scan(out.getvalue().encode(), b",", block_size=block)
    reader = csv.reader(io.StringIO(out.getvalue(), newline=""))
    lines, fields, line = [], [], 1
    for row in reader:
        lines.append(line)
        fields.append(len(row))
        line = reader.line_num + 1
    assert layout.stray_quote is None
    assert layout.fields.tolist() == fields
    # csv counts only the line ends it knows; str.splitlines would know more.
    assert layout.lines.tolist() == lines


def test_a_large_file_is_read_whole(read):
    rows = [(str(number), f'say "{number}",\n' if number % 7 == 0 else "x") for number in range(60_000)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("a", "b"), *rows])
    assert read(out.getvalue()).rows() == rows
