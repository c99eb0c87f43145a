"""Several labels a row, in every way they are written, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.preprocessing import MultiLabelBinarizer

from steelyard.errors import DataError, UsageError
from steelyard.labels import check_separable, encode_label_sets, holds_label_sets

ROWS = [["joy", "love"], [], ["anger"], ["joy"], ["love", "joy"]]


def test_lists_are_what_scikit_learn_makes_of_them():
    binarizer = MultiLabelBinarizer()
    expected = binarizer.fit_transform(ROWS)
    for given in (ROWS, [tuple(row) for row in ROWS], pl.Series(ROWS), np.array(ROWS, dtype=object), pd.Series(ROWS)):
        found = encode_label_sets(given)
        assert found.classes == tuple(binarizer.classes_)
        np.testing.assert_array_equal(found.codes, expected)
        assert found.form == "list"


def test_texts_with_a_separator_are_the_same_lists():
    texts = ["|".join(row) or "|" for row in ROWS]
    found, expected = encode_label_sets(texts, separator="|"), encode_label_sets(ROWS)
    assert found.classes == expected.classes
    np.testing.assert_array_equal(found.codes, expected.codes)
    spaced = encode_label_sets(pl.Series([" | ".join(row) or " | " for row in ROWS]), separator="|")
    np.testing.assert_array_equal(spaced.codes, expected.codes)


def test_an_empty_text_is_not_known_and_a_separator_alone_is_no_label():
    codes = encode_label_sets(["a;b", "", None, ";", "b"], separator=";").codes
    assert np.isnan(codes[1:3]).all()
    assert codes[3].tolist() == [0, 0]


def test_a_label_named_twice_counts_once():
    assert encode_label_sets(["a|a|b"], separator="|").codes.tolist() == [[1, 1]]


MATRIX = np.array([[1.0, 0.0], [np.nan, 1.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    "given",
    [
        pl.DataFrame({"a": ["1", None, "0"], "b": ["FALSE", "True", "0.0"]}),
        pl.DataFrame({"a": [True, None, False], "b": [0, 1, 0]}),
        pd.DataFrame({"a": [1, np.nan, 0], "b": [0, 1, 0]}),
        pd.DataFrame({"a": pd.array([True, None, False], dtype="boolean"), "b": ["0", "1", "0"]}),
    ],
    ids=["texts", "booleans", "floats", "nullable"],
)
def test_tables_name_their_labels(given):
    found = encode_label_sets(given)
    assert found.classes == ("a", "b")
    assert found.form == "columns"
    np.testing.assert_array_equal(found.codes, MATRIX)


def test_matrices_number_their_labels():
    for given in (MATRIX[[0, 2]], scipy.sparse.csr_matrix(MATRIX[[0, 2]]), MATRIX[[0, 2]].astype(bool)):
        found = encode_label_sets(given)
        assert found.classes == (0, 1)
        np.testing.assert_array_equal(found.codes, MATRIX[[0, 2]])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.zeros((3, 2)), True),
        (np.zeros((3, 1)), False),
        (pl.DataFrame({"a": [1], "b": [0]}), True),
        ([["a"], ["b", "c"]], True),
        (["a", "b"], False),
        (np.array([0, 1]), False),
        (pl.Series([["a"], []]), True),
        ("text", False),
    ],
)
def test_labels_are_told_apart_by_their_form(given, expected):
    assert holds_label_sets(given) is expected


@pytest.mark.parametrize(
    ("given", "separator", "error", "words"),
    [
        (
            pl.DataFrame({"a": ["1", "2"], "b": ["0", "1"]}),
            None,
            DataError,
            ["'a'", "'2'", "row 1", "--label-separator"],
        ),
        (pl.DataFrame({"a": ["1", "0"], "b": ["0", "joy|love"]}), None, DataError, ["'b'", "joy|love", "row 1"]),
        (pd.DataFrame([[1, 0], [0, 1]], columns=["a", "a"]), None, DataError, ["two label columns", "'a'"]),
        ([["a", None]], None, DataError, ["row 0", "None"]),
        ([["a"], "b"], None, DataError, ["row 1", "'b'", "--label-separator"]),
        ([[0, 1], [1, 1]], None, DataError, ["zeros and ones", "np.array"]),
        ([["a"]], "|", UsageError, ["--label-separator", "apart already"]),
        (["a"], "", UsageError, ["--label-separator", "empty"]),
        ([1, 2], "|", DataError, ["row 0", "1", "texts"]),
    ],
)
def test_what_is_refused_is_named(given, separator, error, words):
    with pytest.raises(error) as caught:
        encode_label_sets(given, separator)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_label_that_holds_the_separator_cannot_be_joined():
    check_separable(("a", "b"), "|")
    with pytest.raises(UsageError, match=r"'a\|b'"):
        check_separable(("c", "a|b"), "|")
