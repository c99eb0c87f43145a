from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from steelyard.data.table import frame_from, read_table, split_columns
from steelyard.errors import ArtifactError, DataError
from steelyard.features.table import MAX_CATEGORIES, TableSchema

TABLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "tabular"
KEEP = pl.Series("keep", [1.5, 2.5] * 20)


def _column(values, **options):
    """Schema of one column, next to one that keeps the table usable."""
    series = pl.Series("x", values, **options)
    schema = TableSchema.infer(pl.DataFrame([series, KEEP.head(series.len())]))
    return schema.columns[0]


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        (["1", "2.5", "-1e3"], "numeric", ""),
        (["1", " 2 ", "+.5", "5."], "numeric", ""),
        (["1", "2", "NA", "?", "-", "", None, "nan", "None", "N/A", "null"], "numeric", ""),
        (["1", "2", "more"], "categorical", ""),
        (["NA", "None", "NA"], "categorical", ""),
        ([True, False, None], "categorical", ""),
        ([1, 2, 1], "numeric", ""),
        ([0.5, None, float("nan"), 0.7], "numeric", ""),
        ([datetime.date(2024, 1, 1), datetime.date(2024, 1, 3)], "numeric", ""),
        (["a", "a", "a"], "dropped", "constant"),
        ([1, 1, 1], "dropped", "constant"),
        (["1", "1.0"], "dropped", "constant"),
        (["a", None, "a"], "categorical", ""),
        ([1, None, 1], "numeric", ""),
        ([None, None], "dropped", "all missing"),
        (["", None], "dropped", "all missing"),
        ([float("nan"), None], "dropped", "all missing"),
        (list(range(21)), "dropped", "id-like: a row number"),
        (list(range(30, 9, -1)), "dropped", "id-like: a row number"),
        ([str(number) for number in range(1, 22)], "dropped", "id-like: a row number"),
        (list(range(20)), "numeric", ""),
        (list(range(0, 42, 2)), "numeric", ""),
        ([*range(20), None], "numeric", ""),
        ([0.5 + number for number in range(21)], "numeric", ""),
        ([f"id{number}" for number in range(21)], "dropped", "id-like: all values differ"),
        ([f"id{number}" for number in range(20)], "categorical", ""),
        ([f"id{number % 36}" for number in range(40)], "categorical", ""),
        ([f"the word {number}" for number in range(21)], "text", ""),
        ([["a"], ["b"]], "dropped", "holds lists or objects"),
    ],
)
def test_kind_of_a_column(values, kind, reason):
    found = _column(values, strict=False)
    assert (found.kind, found.reason) == (kind, reason)


def test_pandas_categories_of_numbers_are_categorical():
    table = pd.DataFrame({"c": pd.Categorical([3, 1, 3]), "x": [1.0, 2.0, 4.0]})
    schema = TableSchema.infer(frame_from(table))
    assert schema.categorical == ("c",)
    assert schema.categories == (("3", "1"),)


def test_categories_run_from_frequent_to_rare_and_markers_are_categories():
    column = _column(["b", "c", "b", "a", "NA", "c", None, ""])
    assert column.categories == ("b", "c", "NA", "a")


def test_the_rarest_of_too_many_categories_are_unknown():
    names = [f"c{number:03}" for number in range(300)]
    frame = pl.DataFrame({"x": names * 2 + names[100:]})
    schema = TableSchema.infer(frame)
    assert len(schema.categories[0]) == MAX_CATEGORIES == 254
    codes = schema.extract(pl.DataFrame({"x": [names[299], names[53], names[54], "new", None, ""]})).codes
    assert codes.ravel().tolist() == [199, 253, -2, -2, -1, -1]


def test_extract_takes_reordered_and_extra_columns_from_any_source():
    train = pl.DataFrame({"n": ["1", "2.5", "NA"], "c": ["x", "y", "x"], "b": ["true", "false", "true"]})
    schema = TableSchema.infer(train)
    other = pl.DataFrame({"extra": [0], "b": [False], "c": ["z"], "n": [7]})
    matrix = schema.extract(other)
    assert matrix.numeric.dtype == np.float64
    assert matrix.codes.dtype == np.int32
    assert matrix.numeric.tolist() == [[7.0]]
    assert matrix.codes.tolist() == [[-2, 1]]
    trained = schema.extract(train)
    np.testing.assert_array_equal(trained.numeric, [[1], [2.5], [np.nan]])
    assert trained.codes.tolist() == [[0, 0], [1, 1], [0, 0]]
    assert len(trained.take([2, 0])) == 2
    assert trained.take(np.array([False, True, False])).codes.tolist() == [[1, 1]]


def test_numbers_become_the_categories_that_text_named():
    schema = TableSchema.infer(pl.DataFrame({"c": ["1", "2", "more", "1"]}))
    assert schema.extract(pl.DataFrame({"c": [2, 1]})).codes.ravel().tolist() == [1, 0]


def test_times_are_seconds():
    frame = pl.DataFrame(
        {
            "at": [datetime.datetime(1970, 1, 2), datetime.datetime(1970, 1, 1, 0, 0, 1, 500_000)],
            "day": [datetime.date(1970, 1, 2), None],
            "span": [datetime.timedelta(minutes=1), datetime.timedelta(0)],
            "clock": [datetime.time(1), datetime.time(0, 0, 2)],
        }
    )
    numeric = TableSchema.infer(frame).extract(frame).numeric
    np.testing.assert_array_equal(numeric, [[86400, 86400, 60, 3600], [1.5, np.nan, 0, 2]])


def test_text_numbers_are_parsed_as_python_parses_them():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**63, 2000, dtype=np.int64).view(np.float64)
    values = bits[np.isfinite(bits)]
    frame = pl.DataFrame({"x": [repr(float(value)) for value in values]})
    np.testing.assert_array_equal(TableSchema.infer(frame).extract(frame).numeric[:, 0], values)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"c": ["x"]}, "lacks the columns 'n', 'm'"),
        ({"n": [1], "m": [1]}, "lacks the column 'c', which"),
        ({"n": ["1", "abc"], "m": [1, 1], "c": ["x", "x"]}, "column 'n', row 2: 'abc' is not a number"),
        ({"n": [1.0, np.inf], "m": [1, 1], "c": ["x", "x"]}, "column 'n', row 2: inf is infinite"),
        ({"n": ["1", "-Infinity"], "m": [1, 1], "c": ["x", "x"]}, "column 'n', row 2: -Infinity is infinite"),
        ({"n": ["1e999"], "m": [1], "c": ["x"]}, "column 'n', row 1: 1e999 is infinite or too large"),
        ({"n": [[1]], "m": [1], "c": ["x"]}, "column 'n', row 1: .*is not a number"),
    ],
)
def test_rows_that_do_not_fit_the_schema(frame, message):
    schema = TableSchema.infer(pl.DataFrame({"n": [1, 3], "m": [2.5, 1], "c": ["x", "y"]}))
    with pytest.raises(DataError, match=message):
        schema.extract(pl.DataFrame(frame))


def test_infer_names_an_infinite_value():
    with pytest.raises(DataError, match="column 'x', row 3: -inf is infinite"):
        TableSchema.infer(pl.DataFrame({"x": [1.0, 2.0, -np.inf]}))


def test_infer_refuses_tables_without_rows_or_features():
    with pytest.raises(DataError, match="no rows"):
        TableSchema.infer(pl.DataFrame({"x": []}))
    with pytest.raises(DataError, match="no usable feature column: column 'x' is not used: constant"):
        TableSchema.infer(pl.DataFrame({"x": [1, 1]}))


def test_warnings_say_one_sentence_per_reason_and_what_spoils_a_number():
    frame = pl.DataFrame(
        {
            "a": [1] * 30,
            "b": ["x"] * 30,
            "i": range(30),
            "comma": ["1,500", "2,250", "7"] * 10,
            "spoilt": [*map(str, range(29)), "unknown"],
            "ok": [1, 2, 4] * 10,
        }
    )
    assert TableSchema.infer(frame).warnings == (
        "columns 'a', 'b' are not used: constant.",
        "column 'i' is not used: id-like: a row number.",
        "column 'spoilt' is not used: id-like: all values differ.",
        "column 'comma' holds numbers with commas, for thousands or for decimals: write them without.",
        "column 'spoilt' is not numeric because of 1 value like 'unknown' (row 30).",
    )


def test_infer_changes_nothing_and_round_trips_through_json():
    frame = pl.DataFrame({"n": [1, 3], "c": ["é", '"'], "d": [1, 1]})
    before = frame.clone()
    schema = TableSchema.infer(frame)
    assert frame.equals(before)
    assert TableSchema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    with pytest.raises(ArtifactError, match="damaged"):
        TableSchema.from_dict({"columns": [{"name": "x"}]})


@pytest.mark.skipif(not TABLES.exists(), reason="the real tables are not here")
@pytest.mark.parametrize(
    ("name", "target", "numeric", "categorical", "dropped"),
    [
        ("adult", "income", 6, 8, {}),
        ("anneal", "class", 10, 21, {"product-type": "constant", "m": "all missing", "marvi": "all missing",
                                     "corr": "all missing", "jurofm": "all missing", "s": "all missing",
                                     "p": "all missing"}),
        ("hypothyroid4", "Class", 6, 21, {"TBG measured": "constant", "TBG": "all missing"}),
        ("nursery", "class", 0, 8, {}),
        ("kr-vs-k", "Game", 3, 3, {}),
        ("mammography", "class", 6, 0, {}),
        ("segment0", None, 18, 0, {"Region-pixel-count": "constant"}),
    ],
)  # fmt: skip
def test_kinds_in_real_tables(name, target, numeric, categorical, dropped):
    frame = read_table(TABLES / f"{name}.csv")
    features = split_columns(frame, target or frame.columns[-1]).features
    schema = TableSchema.infer(features)
    assert (len(schema.numeric), len(schema.categorical)) == (numeric, categorical)
    assert {column.name: column.reason for column in schema.columns if column.kind == "dropped"} == dropped
    matrix = schema.extract(features)
    for position, column in enumerate(schema.numeric):
        expected = pd.to_numeric(pd.Series(features[column].to_list(), dtype=object))
        np.testing.assert_array_equal(matrix.numeric[:, position], expected)
    for position, (column, known) in enumerate(zip(schema.categorical, schema.categories, strict=True)):
        named = [known[code] if code >= 0 else None for code in matrix.codes[:, position]]
        assert named == features[column].to_list()


def test_iso_dates_are_seconds_whatever_part_of_them_is_written() -> None:
    written = ["2024-02-29", "1970-01-02T00:00:01Z", "2024-02-29 12:30", "2024-02-29T12:30:15.5+02:00", "NA", None]
    frame = pl.DataFrame({"seen": written})
    schema = TableSchema.infer(frame)
    assert (schema.columns[0].kind, schema.columns[0].written) == ("numeric", "date")
    expected = [
        datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC).timestamp(),
        86401.0,
        datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC).timestamp(),
        datetime.datetime(2024, 2, 29, 10, 30, 15, 500000, tzinfo=datetime.UTC).timestamp(),
        np.nan,
        np.nan,
    ]
    again = TableSchema.from_dict(schema.to_dict())
    np.testing.assert_array_equal(again.extract(frame).numeric.ravel(), expected)


def test_impossible_dates_stay_categories() -> None:
    schema = TableSchema.infer(pl.DataFrame({"seen": ["2024-02-30", "2024-02-28", "2024-02-28"]}))
    assert schema.columns[0].kind == "categorical"


def test_decimal_commas_are_read_where_they_cannot_part_thousands() -> None:
    frame = pl.DataFrame({"price": ["1,5", "-2", "3,25e1", "?"]})
    schema = TableSchema.infer(frame)
    np.testing.assert_array_equal(schema.extract(frame).numeric.ravel(), [1.5, -2.0, 32.5, np.nan])
