from __future__ import annotations

import datetime

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import LabelEncoder

from steelyard.errors import DataError, UsageError
from steelyard.labels import as_multilabel, encode_labels, flatten, is_nested, regression_reason

NAMES = ["007", "NA", None, "None", "nan", "1.0", "01", "007"]


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        lambda labels: np.array(labels, dtype=object),
        lambda labels: pd.Series(labels, dtype=object),
        lambda labels: pd.Series(labels, dtype="string"),
        lambda labels: pd.Series(labels, dtype="category"),
        lambda labels: pd.Categorical(labels),
        lambda labels: pd.Index(labels, dtype=object),
        pl.Series,
        lambda labels: pl.Series(labels, dtype=pl.Categorical),
        lambda labels: pl.Series(labels, dtype=pl.Enum(["x", "nan", "NA", "007", "None", "1.0", "01"])),
        lambda labels: nw.from_native(pl.Series(labels), series_only=True),
        lambda labels: iter(labels),
    ],
)
def test_texts_stay_the_texts_they_are_in_every_container(make):
    encoded = encode_labels(make(NAMES))
    assert encoded.classes == ("007", "01", "1.0", "NA", "None", "nan")
    assert encoded.codes.dtype == np.int64
    assert encoded.codes.tolist() == [0, 3, -1, 4, 5, 2, 1, 0]
    assert all(type(name) is str for name in encoded.classes)


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        ([1, 0, 1], (0, 1), [1, 0, 1]),
        (np.array([3, -5, 3], np.int8), (-5, 3), [1, 0, 1]),
        (np.array([-128, 127], np.int8), (-128, 127), [0, 1]),
        (np.array([2**64 - 1, 2**64 - 2], np.uint64), (2**64 - 2, 2**64 - 1), [1, 0]),
        (np.array([10**15, 0, 10**15]), (0, 10**15), [1, 0, 1]),
        (np.array([1.0, np.nan, 0.0]), (0.0, 1.0), [1, -1, 0]),
        (np.array([0.5, 2.0]), (0.5, 2.0), [0, 1]),
        (np.array([True, False, True]), (False, True), [1, 0, 1]),
        (np.array(["b", "a"]), ("a", "b"), [1, 0]),
        (np.array([b"b", b"a"]), (b"a", b"b"), [1, 0]),
        ([1, "a", None, 0.5], (0.5, 1, "a"), [1, 2, -1, 0]),
        ([np.float64("nan"), float("nan"), pd.NA, pd.NaT, None, "x"], ("x",), [-1] * 5 + [0]),
        (pd.Series([2, None, 1], dtype="Int64"), (1, 2), [1, -1, 0]),
        (pd.Series([True, None], dtype="boolean"), (True,), [0, -1]),
        (pl.Series([2, None, 1]), (1, 2), [1, -1, 0]),
        (pl.Series([True, None, False]), (False, True), [1, -1, 0]),
        (pl.Series([datetime.date(2020, 1, 2), None]), (datetime.date(2020, 1, 2),), [0, -1]),
        (torch.tensor([2, 1]), (1, 2), [1, 0]),
        ([], (), []),
        (np.array([], dtype=np.int64), (), []),
        (pl.Series([None, None], dtype=pl.String), (), [-1, -1]),
    ],
)
def test_codes_and_classes(y, classes, codes):
    encoded = encode_labels(y)
    assert encoded.classes == classes
    assert list(map(type, encoded.classes)) == list(map(type, classes))
    assert encoded.codes.tolist() == codes
    assert len(encoded) == len(codes)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        hnp.arrays(np.int64, st.integers(1, 40)),
        hnp.arrays(np.int16, st.integers(1, 40), elements=st.integers(-9, 9)),
        hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-4, 4, width=16)),
        hnp.arrays("U3", st.integers(1, 40)),
    )
)
def test_order_and_codes_are_those_of_scikit_learn(y):
    oracle = LabelEncoder().fit(y)
    encoded = encode_labels(y)
    assert list(encoded.classes) == oracle.classes_.tolist()
    assert encoded.codes.tolist() == oracle.transform(y).tolist()


def test_given_classes_fix_the_order_and_may_have_no_rows():
    encoded = encode_labels(["b", None, "a"], classes=["c", "b", "a"])
    assert encoded.classes == ("c", "b", "a")
    assert encoded.codes.tolist() == [1, -1, 2]
    again = encode_labels(encoded, classes=np.array(["a", "b"]))
    assert (again.classes, again.codes.tolist()) == (("a", "b"), [1, -1, 0])


def test_categories_without_rows_are_no_classes():
    assert encode_labels(pd.Categorical(["b"], categories=["b", "a"])).classes == ("b",)


@pytest.mark.parametrize(
    ("y", "classes", "error", "message"),
    [
        (["a", "x"], ["a"], DataError, "label 'x' in row 1 is not one of the classes 'a'"),
        (["0"], [0], DataError, "label '0' in row 0"),
        (["a"], ["a", "a"], UsageError, "different"),
        (["a"], ["a", None], UsageError, "not missing"),
        (["a"], "ab", UsageError, "collection"),
        ([["a"], ["b", "c"]], None, DataError, "row 0 holds"),
        (["a", ("b", "c")], None, DataError, "row 1 holds"),
        (pl.Series([["a"], ["b"]]), None, DataError, "row 0 holds"),
        (np.zeros((3, 2)), None, DataError, r"shape \(3, 2\)"),
        (pd.DataFrame({"a": [1]}), None, DataError, r"shape \(1, 1\)"),
        (np.array([0.0, np.inf]), None, DataError, "inf in row 1"),
        (np.array([1j]), None, DataError, "complex"),
        ("abc", None, UsageError, "str"),
        ({"a": 1}, None, UsageError, "dict"),
        (3, None, UsageError, "int"),
    ],
)
def test_wrong_labels_are_named(y, classes, error, message):
    with pytest.raises(error, match=message) as caught:
        encode_labels(y, classes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("make", "regression"),
    [
        (lambda: load_diabetes().data[:, 2], True),
        (lambda: load_diabetes().data[:, 1], False),  # a standardised sex: two values
        (lambda: load_digits().target, False),
        (lambda: load_breast_cancer().data[:, 0], True),
        (lambda: np.arange(1000), True),
        (lambda: np.arange(1000) % 300, True),
        (lambda: np.arange(1000) % 50, False),
        (lambda: np.arange(5000) % 1000 / 8, True),
        (lambda: np.array([0.5, 1.0, 1.5] * 10), False),
        (lambda: np.array([True, False]), False),
    ],
)
def test_regression_targets_are_told_from_classes(make, regression, as_text):
    values = [str(value) for value in make().tolist()] if as_text else make()
    assert (regression_reason(values) is not None) is regression


def test_regression_reason_sees_through_gaps_but_not_names():
    numbers = [f"{value / 7:.4f}" for value in range(60)]
    assert regression_reason([*numbers, "NA", None, ""]) == "60 different numbers in 60 rows, most with a fraction"
    assert regression_reason([*numbers, "other"]) is None
    assert regression_reason([f"{value:05d}" for value in range(1000)]) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda matrix: matrix,
        lambda matrix: matrix.astype(np.float32),
        lambda matrix: matrix.tolist(),
        lambda matrix: pd.DataFrame(matrix),
        lambda matrix: pd.DataFrame(matrix).astype("Int64"),
        lambda matrix: pl.DataFrame(matrix),
        lambda matrix: pl.DataFrame(matrix).with_columns(pl.all().fill_nan(None).cast(pl.Int8)),
        lambda matrix: nw.from_native(pd.DataFrame(matrix)),
        torch.tensor,
        lambda matrix: matrix.astype(object),
        scipy.sparse.csr_array,
    ],
)
def test_multilabel_matrices_from_every_container(make):
    matrix = np.array([[1.0, 0.0, np.nan], [0.0, 1.0, 1.0]])
    got = as_multilabel(make(matrix))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, matrix)


def test_a_multilabel_matrix_is_a_copy_and_may_be_bool():
    matrix = np.array([[1.0, -1.0]])
    got = as_multilabel(matrix, unknown=[-1])
    np.testing.assert_array_equal(got, [[1.0, np.nan]])
    np.testing.assert_array_equal(matrix, [[1.0, -1.0]])
    np.testing.assert_array_equal(as_multilabel(np.array([[True, False]])), [[1.0, 0.0]])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.array([[0, 1], [1, 7]]), "entry 7 in row 1, column 1"),
        (pd.DataFrame({"cat": [0, 1], "dog": [1, 0.5]}), "entry 0.5 in row 1, column 'dog'"),
        (np.array([[0, np.inf]]), "entry inf in row 0"),
        ([[0, 1], [1]], "equal length"),
        (np.array([["O", "PER"]]), "ravel"),
        (np.array([0, 1]), r"shape \(2,\)"),
    ],
)
def test_wrong_multilabel_entries_are_named(matrix, message):
    with pytest.raises(DataError, match=message):
        as_multilabel(matrix)


@pytest.mark.parametrize(
    ("tags", "flat", "lengths"),
    [
        ([["a", "b"], [], ("c",)], ["a", "b", "c"], [2, 0, 1]),
        (np.array([[1, 2], [3, 4]]), [1, 2, 3, 4], [2, 2]),
        ([np.array([1, 2]), np.array([3])], [1, 2, 3], [2, 1]),
        (pl.Series([["a"], None, ["b", "c"]]), ["a", "b", "c"], [1, 0, 2]),
        (pd.Series([["a"], None, ["b", "c"]]), ["a", "b", "c"], [1, 0, 2]),
        ([torch.tensor([1, 2]), torch.tensor([3])], [1, 2, 3], [2, 1]),
    ],
)
def test_flatten(tags, flat, lengths):
    got, sizes = flatten(tags)
    assert list(got) == flat
    assert sizes.tolist() == lengths
    assert isinstance(tags, np.ndarray) or is_nested(tags)


def test_flatten_names_a_row_that_is_no_sequence():
    with pytest.raises(DataError, match="row 1 holds 'O PER'"):
        flatten([["O"], "O PER"])


@pytest.mark.parametrize("flat", [["a", None], np.array([1]), pd.Series(["a"]), pl.Series([1]), pd.Categorical(["a"])])
def test_flat_labels_are_not_nested(flat):
    assert not is_nested(flat)
