from __future__ import annotations

import polars as pl
import pytest

from steelyard.data.table import read_table
from steelyard.errors import DataError


@pytest.fixture
def read(tmp_path):
    def _read(content: str | bytes) -> pl.DataFrame:
        path = tmp_path / "t.jsonl"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path)

    return _read


def test_strings_stay_strings_and_numbers_numbers(read):
    frame = read('{"s": "1", "i": 1, "f": 1.5, "b": true}\n\n{"s": "NA", "i": null, "f": 2, "b": false}\n')
    assert frame.dtypes == [pl.String, pl.Int64, pl.Float64, pl.Boolean]
    assert frame.rows() == [("1", 1, 1.5, True), ("NA", None, 2.0, False)]


def test_a_late_key_a_late_type_and_a_mixture(read):
    lines = ['{"a": 1}'] * 2000 + ['{"a": "x", "late": 2.5}']
    frame = read("\n".join(lines))
    assert frame["a"].to_list() == ["1"] * 2000 + ["x"]
    assert frame["late"].to_list() == [None] * 2000 + [2.5]


def test_a_long_integer_keeps_its_digits(read):
    assert read('{"id": 123456789012345678901234567890}\n{"id": 1}')["id"].to_list() == [
        "123456789012345678901234567890",
        "1",
    ]


def test_lists_stay_lists_and_odd_line_separators_do_not_end_a_line(read):
    frame = read('{"l": ["x", "y"], "t": "a\u2028b"}\r\n{"l": [], "t": "c"}\r\n')
    assert frame.rows() == [(["x", "y"], "a\u2028b"), ([], "c")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a":\n', "line 2: not JSON at character 6"),
        ('{"a": 1}\n[1]\n', "line 2: expected one object"),
        ('[{"a": 1},\n{"a": 2}]', "line 1: not JSON .*one object per line"),
        ('{"a": 1, "a": 2}', "line 1: key 'a' occurs twice"),
        ('{"a": {"b": 1}}', "column 'a' holds nested objects"),
        ('{"a": [1, "x"]}', "column 'a' holds lists of different types"),
        ('{"": 1}', "blank name"),
        ("{}", "no columns"),
        (b'{"a": "\xe9"}', "line 1: byte 0xe9 is not UTF-8"),
        ("[" * 100_000, "line 1: JSON too deep"),
        ('{"a": ' + "1" * 5000 + "}", "number too long"),
    ],
)
def test_bad_content_is_one_clear_line(read, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value)
