from __future__ import annotations

import collections
import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.counts import LabelCounts, count_labels
from steelyard.errors import DataError, UsageError
from steelyard.labels import encode_labels

CONLL = {2: 169578, 0: 112328, 3: 1155, 1: 3704}


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pl.Series, pd.Categorical, iter, encode_labels])
def test_labels_are_counted_in_every_container(make):
    counts = count_labels(make(["soccer"] * 82 + ["funny"] * 5))
    assert counts.as_dict() == {"funny": 5, "soccer": 82}
    assert counts.classes == ("funny", "soccer")
    assert counts.counts.dtype == np.int64
    assert (counts.total, len(counts)) == (87, 2)
    assert counts.imbalance_ratio == pytest.approx(16.4)
    np.testing.assert_allclose(counts.priors, [5 / 87, 82 / 87])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(-50, 50), st.none()), max_size=60))
def test_counts_are_those_of_a_counter(labels):
    oracle = collections.Counter(label for label in labels if label is not None)
    assert count_labels(labels).as_dict() == dict(oracle)
    whole = np.array([label for label in labels if label is not None], dtype=np.int64)
    assert count_labels(whole).as_dict() == dict(oracle)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=9), max_size=5))
def test_merged_chunks_are_the_whole(chunks):
    whole = count_labels([label for chunk in chunks for label in chunk])
    assert count_labels(iter(chunks)) == whole
    assert sum((count_labels(chunk) for chunk in chunks), count_labels([])) == whole
    assert count_labels(label for chunk in chunks for label in chunk) == whole


def test_a_mapping_comes_in_any_order():
    counts = count_labels(CONLL)
    assert counts.classes == (0, 1, 2, 3)
    assert counts.counts.tolist() == [112328, 3704, 169578, 1155]
    assert count_labels(CONLL, classes=[3, 2, 1, 0, 4]).counts.tolist() == [1155, 169578, 3704, 112328, 0]
    assert count_labels({"a": 0.5, "b": 2}).counts.dtype == np.float64
    assert count_labels(pd.Series(["a", "b", "a"]).value_counts().to_dict()).as_dict() == {"a": 2, "b": 1}


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf"), "3", None, True])
def test_a_wrong_count_is_named(count):
    with pytest.raises(DataError, match="count of class 'a'"):
        count_labels({"a": count})


def test_absent_classes_are_listed_and_stay_out_of_the_ratio():
    counts = count_labels(["a", "a", "c"], classes=["c", "b", "a"])
    assert counts.as_dict() == {"c": 1, "b": 0, "a": 2}
    assert counts.absent == ("b",)
    assert counts.present.tolist() == [True, False, True]
    assert counts.imbalance_ratio == 2
    assert count_labels([], classes=["a"]).imbalance_ratio == 1
    np.testing.assert_array_equal(count_labels([], classes=["a"]).priors, [0])


def test_an_unknown_label_is_named():
    with pytest.raises(DataError, match="label 'x'"):
        count_labels(["a", "x"], classes=["a"])


@pytest.mark.parametrize("make", [np.array, pd.DataFrame, torch.tensor, lambda rows: pl.DataFrame(np.array(rows))])
def test_multilabel_counts_know_positives_and_negatives(make):
    counts = count_labels(make([[1.0, 0.0], [1.0, float("nan")], [0.0, 0.0]]))
    assert counts.counts.tolist() == [2, 0]
    assert counts.known.tolist() == [3, 2]
    assert counts.negatives.tolist() == [1, 2]
    np.testing.assert_allclose(counts.priors, [2 / 3, 0])
    assert counts.absent == counts.classes[1:]
    assert count_labels(make([[1.0, 0.0]]), classes=counts.classes).counts.tolist() == [1, 0]


def test_multilabel_classes_are_the_columns():
    table = pd.DataFrame({"cat": [1, 0], "dog": [1, 1]})
    assert count_labels(table).as_dict() == {"cat": 1, "dog": 2}
    assert count_labels(table, classes=["dog", "cat", "cow"]).as_dict() == {"dog": 2, "cat": 1, "cow": 0}
    assert count_labels(table.to_numpy(), classes=["x", "y"]).as_dict() == {"x": 1, "y": 2}
    with pytest.raises(UsageError, match="3 classes for a matrix of 2 columns"):
        count_labels(table.to_numpy(), classes=["x", "y", "z"])


def test_ignored_entries_of_a_matrix_are_unknown():
    counts = count_labels(np.array([[1, -1], [0, 1]]), ignore=-1)
    assert (counts.counts.tolist(), counts.known.tolist()) == ([1, 1], [2, 1])
    assert count_labels(iter([np.array([[1, -1]]), np.array([[0, 1]])]), ignore=-1) == counts
    with pytest.raises(UsageError, match="ignore='x'"):
        count_labels(np.array([[1, 0]]), ignore="x")


@pytest.mark.parametrize(
    "tags",
    [
        [["O", "O"], [], ["PER"]],
        [("O", "O"), None, ("PER",)],
        pl.Series([["O", "O"], None, ["PER"]]),
        pd.Series([["O", "O"], [], ["PER"]]),
        [np.array(["O", "O"]), np.array(["PER"])],
        iter([[["O", "O"]], [["PER"]]]),
    ],
)
def test_tag_sequences_are_counted_flat(tags):
    assert count_labels(tags).as_dict() == {"O": 2, "PER": 1}


def test_masks_are_counted_flat_but_two_dimensions_are_multilabel():
    masks = np.array([[[0, 1], [2, 255]], [[0, 0], [0, 255]]], dtype=np.uint8)
    assert count_labels(masks, ignore=255).as_dict() == {0: 4, 1: 1, 2: 1}
    with pytest.raises(DataError, match="ravel"):
        count_labels(masks[0])


@pytest.mark.filterwarnings("error")
def test_padding_is_left_out_silently():
    assert count_labels([[0, -100], [1]], ignore=-100).as_dict() == {0: 1, 1: 1}
    assert count_labels([0, 1, 2, -1], ignore=[-1, 2]).as_dict() == {0: 1, 1: 1}
    assert count_labels(["O", "PER", "<pad>"], ignore="<pad>", classes=["PER", "O"]).as_dict() == {
        "PER": 1,
        "O": 1,
    }
    assert count_labels({0: 5, -100: 9}, ignore=-100).as_dict() == {0: 5}
    assert count_labels([0, 1], classes=[0, 1, 2], ignore=2).as_dict() == {0: 1, 1: 1, 2: 0}


@pytest.mark.parametrize(
    ("y", "classes"), [(CONLL, None), ([2, 2, 0, 1, 3], [0, 1, 2, 3]), (count_labels(CONLL), [0, 1, 2, 3])]
)
def test_ignoring_a_real_class_is_warned_of(y, classes):
    with pytest.warns(UserWarning, match="ignored label 2 is a class with") as caught:
        counts = count_labels(y, classes, ignore=2)
    assert counts.as_dict().get(2, 0) == 0
    assert caught[0].filename == __file__


def test_adding_keeps_order_and_joins_classes():
    one = LabelCounts(("b", "a"), np.array([1, 2]))
    assert (one + LabelCounts(("c", "a"), np.array([5, 3]))).as_dict() == {"b": 1, "a": 5, "c": 5}
    assert (one + LabelCounts(("c", "a"), np.array([5, 3]))).classes == ("b", "a", "c")
    assert (count_labels(["b"]) + count_labels(["a"])).classes == ("a", "b")
    matrix = count_labels(np.array([[1, 0], [0, np.nan]]))
    assert (matrix + matrix).known.tolist() == [4, 2]
    with pytest.raises(UsageError, match="cannot be added"):
        matrix + one
    with pytest.raises(TypeError):
        one + 3


def test_counts_are_values():
    counts = count_labels(["a", "b", "b"])
    assert counts == count_labels({"b": 2, "a": 1})
    assert hash(counts) == hash(count_labels({"b": 2, "a": 1}))
    assert counts != count_labels(["a"])
    assert counts != 3
    with pytest.raises(ValueError, match="read-only"):
        counts.counts[0] = 9
    assert copy.deepcopy(counts) == counts
    assert count_labels(counts) is counts
    assert "... 8 more" in repr(count_labels(range(20)))


@pytest.mark.parametrize("wrong", ["abc", 3, None])
def test_what_is_no_collection_is_refused(wrong):
    with pytest.raises(UsageError, match=r"must be a sequence"):
        count_labels(wrong)


def test_a_mismatch_of_classes_and_counts_is_refused():
    with pytest.raises(UsageError, match="shape"):
        LabelCounts(("a",), np.array([1, 2]))
    with pytest.raises(DataError, match="'b'"):
        LabelCounts(("a", "b"), np.array([1, -2]))


BIG = 1 << 19  # from here on integers and texts are counted by compiled code


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64, ">i4"])
@pytest.mark.parametrize("kind", ["few", "padding", "spread", "late"])
def test_many_integers_are_counted_as_numpy_counts_them(dtype, kind):
    import numba  # noqa: F401  # compiled counting starts where Numba is there already

    values = np.random.default_rng(0).integers(0, 100, BIG + 3)
    if kind == "padding":
        values[::7] = -100 if np.dtype(dtype).kind == "i" else 127
    labels = values.astype(dtype)
    if kind == "spread":
        labels[-5:] = np.iinfo(dtype).max
    if kind == "late":
        labels[-1] = np.iinfo(dtype).min
    classes, numbers = np.unique(labels, return_counts=True)
    counted = count_labels(labels)
    assert counted.classes == tuple(classes.tolist())
    assert counted.counts.tolist() == numbers.tolist()
    assert np.array_equal(np.array(counted.classes, object)[encode_labels(labels).codes], labels.astype(object))
    strided = count_labels(labels[::3])
    assert strided.total == len(labels[::3])


def test_the_largest_unsigned_number_is_not_taken_for_minus_one():
    labels = np.zeros(BIG, np.uint64)
    labels[7] = 2**64 - 1
    assert count_labels(labels).as_dict() == {0: BIG - 1, 2**64 - 1: 1}


@pytest.mark.parametrize("distinct", [1, 12, 5000])
def test_many_texts_are_counted_as_a_counter_counts_them(distinct):
    names = np.array([f"{'x' * (code % 7)}{code}é" for code in range(distinct)])
    labels = names[np.random.default_rng(1).integers(0, distinct, BIG + 1)]
    oracle = dict(collections.Counter(labels.tolist()))
    assert count_labels(labels).as_dict() == oracle
    assert count_labels(labels[::-2]).as_dict() == dict(collections.Counter(labels[::-2].tolist()))


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series(["b", None, "a", "b"]),
        pd.Series(["b", None, "a", "b"], dtype=object),
        pd.Series(pd.Categorical(["b", None, "a", "b"], categories=["c", "b", "a"])),
        pl.Series(["b", None, "a", "b"]),
        pl.Series(["b", None, "a", "b"], dtype=pl.Categorical),
        pl.Series("rows", ["b", None, "a", "b"], dtype=pl.Enum(["c", "b", "a"])),
        np.array(["b", None, "a", "b"], object),
        np.array(["b", float("nan"), "a", "b"], object),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_counting_without_codes_agrees_with_the_codes(labels):
    counted, encoded = count_labels(labels), encode_labels(labels)
    assert counted.as_dict() == {"a": 1, "b": 2}
    assert counted.classes == encoded.classes
    assert counted.counts.tolist() == np.bincount(encoded.codes[encoded.codes >= 0]).tolist()


def test_all_labels_missing_in_a_categorical():
    assert count_labels(pd.Series(pd.Categorical([None, None], categories=["a"]))).classes == ()
    assert count_labels(pd.Series(pd.Categorical([], categories=["a"]))).classes == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("length", [1, 32, 1000])
def test_masks_of_long_and_short_runs_are_counted_as_numpy_counts_them(dtype, length):
    from steelyard.labels._counting import small_counts

    rng = np.random.default_rng(length)
    info = np.iinfo(dtype)
    values = rng.integers(info.min, info.max + 1, 5000, dtype=dtype).repeat(length)[3:].copy()
    classes, expected = np.unique(values, return_counts=True)
    first, counts = small_counts(values)
    assert counts[classes.astype(int) - first].tolist() == expected.tolist()
    assert counts.sum() == len(values)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint8, float])
def test_a_multi_label_matrix_of_any_type(dtype):
    counts = count_labels(np.array([[1, 0], [1, 1], [0, 0]]).astype(dtype))
    assert counts.as_dict() == {0: 2, 1: 1}
    assert counts.negatives.tolist() == [1, 2]


@pytest.mark.parametrize("entry", [2, -1])
def test_a_multi_label_matrix_of_other_whole_numbers_is_refused(entry):
    with pytest.raises(DataError, match=f"entry {entry} in row 1, column 0"):
        count_labels(np.array([[1, 0], [entry, 0]]))
