from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from steelyard.data.table import frame_from
from steelyard.errors import DataError, UsageError


def test_pandas_keeps_kinds_and_values():
    table = pd.DataFrame(
        {
            "cat": pd.Categorical(["b", None, "a"], categories=["b", "a", "unused"]),
            "number_cat": pd.Categorical([3, 1, 3]),
            "bool": [True, False, True],
            "maybe": pd.array([True, None, False], dtype="boolean"),
            "int": np.array([1, 2, 3], dtype=np.int8),
            "nullable": pd.array([2**60 + 1, None, 3], dtype="Int64"),
            "full": pd.array([1, 2, 3], dtype="UInt8"),
            "float": [1.5, np.nan, 2.0],
            "text": ["007", "NA", None],
            "object": pd.Series(["007", np.nan, None], dtype=object),
            "mixed": pd.Series(["a", 1, 2.5], dtype=object),
            "when": pd.to_datetime(["2024-01-01", None, "2024-01-02"]),
            "zone": pd.to_datetime(["2024-01-01"] * 3).tz_localize("Asia/Tokyo"),
            "sparse": pd.arrays.SparseArray([0, 0, 1]),
        }
    )
    before = table.copy(deep=True)
    frame = frame_from(table)
    pd.testing.assert_frame_equal(table, before)
    assert frame.columns == list(table.columns)
    assert frame.schema["cat"] == pl.Categorical
    assert frame["cat"].to_list() == ["b", None, "a"]
    assert frame["number_cat"].to_list() == ["3", "1", "3"]
    assert frame.schema["bool"] == frame.schema["maybe"] == pl.Boolean
    assert frame["maybe"].to_list() == [True, None, False]
    assert frame["int"].to_list() == frame["full"].to_list() == [1, 2, 3]
    assert frame["nullable"].to_list() == [2**60 + 1, None, 3]
    np.testing.assert_array_equal(frame["float"].to_numpy(), table["float"].to_numpy())
    assert frame["text"].to_list() == ["007", "NA", None]
    assert frame["object"].to_list() == ["007", None, None]
    assert frame["mixed"].to_list() == ["a", "1", "2.5"]
    assert frame["when"].to_list()[:2] == [datetime.datetime(2024, 1, 1), None]
    assert frame["zone"].to_list()[0] == datetime.datetime(2023, 12, 31, 15)
    assert frame["sparse"].to_list() == [0, 0, 1]


def test_polars_frames_lazy_frames_and_series():
    table = pl.DataFrame({"a": ["x"], "b": [1]})
    assert frame_from(table).equals(table)
    assert frame_from(table.lazy()).equals(table)
    assert frame_from(table["a"]).columns == ["a"]


def test_pyarrow_tables():
    pa = pytest.importorskip("pyarrow")
    assert frame_from(pa.table({"a": ["007"], "b": [1]})).rows() == [("007", 1)]


def test_arrays_are_copied_and_named_by_position():
    X = np.array([[1.0, 2.0], [3.0, np.nan]])
    frame = frame_from(X)
    X[0, 0] = 99
    assert frame.columns == ["x0", "x1"]
    assert frame["x0"].to_list() == [1.0, 3.0]
    assert frame_from(np.array([1, 2])).rows() == [(1,), (2,)]
    assert frame_from(np.array([["007"], ["NA"]])).rows() == [("007",), ("NA",)]
    assert frame_from(np.array([["a", 1], [None, 2]], dtype=object)).rows() == [("a", 1), (None, 2)]
    assert frame_from(np.ma.masked_array([[1, 2]], [[False, True]])).row(0)[0] == 1
    assert np.isnan(frame_from(np.ma.masked_array([[1, 2]], [[False, True]])).row(0)[1])
    assert frame_from(np.ones((2, 1), dtype=np.float16)).dtypes == [pl.Float64]


def test_sparse_matrices_are_written_out_with_a_guard():
    X = sparse.csr_matrix(np.array([[0, 1.5], [2.0, 0]]))
    np.testing.assert_array_equal(frame_from(X).to_numpy(), X.toarray())
    with pytest.raises(DataError, match="100000 x 100000 needs 75 GiB"):
        frame_from(sparse.csr_matrix((100_000, 100_000)))


def test_lists_of_rows_keep_the_type_of_each_column():
    assert frame_from([["007", 1], ["NA", None]]).rows() == [("007", 1), ("NA", None)]
    assert frame_from([{"a": 1}, {"b": "x"}]).rows() == [(1, None), (None, "x")]
    assert frame_from({"a": [1, 2]}, names=["z"]).columns == ["z"]


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([[1, 2], [3]], DataError, "row 2 has 1 values where row 1 has 2"),
        (np.zeros((2, 2, 2)), UsageError, r"shape \(2, 2, 2\)"),
        (np.array(1.0), UsageError, r"shape \(\)"),
        (np.array([1j]), DataError, "complex"),
        ("a.csv", UsageError, "a str is not a table"),
        (None, UsageError, "a NoneType is not a table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), DataError, "'a' occurs more than once"),
        ({"a": [1], "b": [1, 2]}, DataError, "columns differ in length"),
        (np.zeros((3, 0)), DataError, "no columns"),
    ],
)
def test_what_is_no_table(X, error, message):
    with pytest.raises(error, match=message):
        frame_from(X)


def test_wrong_number_of_names():
    with pytest.raises(UsageError, match="1 names for 2 columns"):
        frame_from(np.zeros((1, 2)), names=["a"])
