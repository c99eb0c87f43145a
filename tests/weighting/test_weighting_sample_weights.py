from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.stats import gmean
from sklearn.utils.class_weight import compute_sample_weight

from steelyard.counts import count_labels
from steelyard.errors import DataError, UsageError
from steelyard.weighting import class_weights, pos_weights, sample_weights, sequence_weights

Y = np.array([[1, 1, 0], [0, 0, 0], [0, 1, np.nan]])
W = {0: 2.0, 1: 3.0, 2: 5.0}


def test_rows_weigh_as_scikit_learn_says():
    y = np.array(["a", "b", "a", "c", "a"])
    np.testing.assert_allclose(sample_weights(y, class_weights(y)), compute_sample_weight("balanced", y))


@pytest.mark.parametrize("make", [list, pd.Series, pl.Series, lambda y: np.array(y, dtype=object)])
def test_missing_labels_weigh_nothing(make):
    assert sample_weights(make(["a", None, "b"]), {"a": 0.5, "b": 2}).tolist() == [0.5, 0, 2]


def test_a_label_without_weight_is_named():
    with pytest.raises(DataError, match="label 'c' has no weight; there are weights for 'a', 'b'"):
        sample_weights(["a", "c"], {"a": 1, "b": 1})
    with pytest.raises(DataError, match="label 0 has no weight; there are weights for '0'"):
        sample_weights([0], {"0": 1})


def test_multilabel_per_label_by_hand():
    raw = np.array([[2, 3, 1], [1, 1, 1], [1, 3, 0]])
    np.testing.assert_allclose(sample_weights(Y, W), raw * 8 / 13)


def test_multilabel_per_row_by_hand():
    raw = np.array([[5, 5, 5], [1, 1, 1], [3, 3, 0]])
    np.testing.assert_allclose(sample_weights(Y, W, per="row"), raw * 8 / 24)


def test_multilabel_per_row_is_the_class_balanced_losss_form():
    # The paper's code: weights.unsqueeze(0).repeat(N, 1) * one_hot, summed and repeated over classes.
    one_hot = torch.nn.functional.one_hot(torch.tensor([0, 2, 1, 0]), 3).double()
    weights = torch.tensor([0.2, 1.0, 1.8], dtype=torch.float64)
    oracle = (weights.unsqueeze(0).repeat(4, 1) * one_hot).sum(1, keepdim=True).repeat(1, 3)
    ours = sample_weights(one_hot, dict(enumerate(weights.tolist())), per="row")
    np.testing.assert_allclose(ours, (oracle / oracle.mean()).numpy())


@pytest.mark.parametrize("per", ["label", "row"])
def test_the_mean_over_known_entries_is_one(per):
    weights = sample_weights(Y, W, per=per)
    assert weights[~np.isnan(Y)].mean() == pytest.approx(1)
    assert weights[np.isnan(Y)].tolist() == [0]
    assert sample_weights(np.full((2, 3), np.nan), W, per=per).tolist() == [[0] * 3] * 2


def test_columns_find_their_weight_by_name():
    table = pd.DataFrame({"dog": [1, 0], "cat": [0, 1]})
    weights = class_weights(count_labels({"cat": 1, "dog": 3}), normalize=None)
    # By hand: entries 1/3 (a dog), 1, 1 and 1 (a cat), of mean 10/12.
    np.testing.assert_allclose(sample_weights(table, weights), np.array([[1 / 3, 1], [1, 1]]) * 12 / 10)
    with pytest.raises(DataError, match="label 'dog'"):
        sample_weights(table, {"cat": 1})


def test_a_plain_matrix_takes_class_weights_in_their_order():
    matrix = np.array([[1, 0], [1, 0], [0, 1]])
    counts = count_labels(pd.DataFrame(matrix, columns=["x", "y"]))
    named, plain = class_weights(counts), class_weights(count_labels(matrix))
    np.testing.assert_allclose(sample_weights(matrix, named), sample_weights(matrix, plain))
    with pytest.raises(DataError, match="3 columns, but there are 2"):
        sample_weights(np.ones((2, 3)), named)


@pytest.mark.parametrize(
    ("weights", "per", "message"),
    [
        ([1, 2], "label", "mapping"),
        ({"a": -1}, "label", "weight of 'a'"),
        ({"a": "x"}, "label", "weight of 'a'"),
        ({"a": 1}, "rows", "per must be"),
    ],
)
def test_wrong_arguments_are_refused(weights, per, message):
    with pytest.raises(UsageError, match=message):
        sample_weights(["a"], weights, per=per)


def test_sequences_of_the_source():
    weights = {"PER": 0.1, "O": 0.01}
    got = sequence_weights([["PER", "O"], ["PER"] + ["O"] * 5, ["O"]], weights)
    np.testing.assert_allclose(got, [0.0316, 0.0147, 0.01], atol=5e-5)


def test_sequences_are_scipys_geometric_mean():
    rng = np.random.default_rng(0)
    weights = dict(enumerate(rng.uniform(0.01, 9, 6)))
    tags = [rng.integers(0, 6, length) for length in (1, 3, 200)]
    oracle = [gmean([weights[int(tag)] for tag in row]) for row in tags]
    np.testing.assert_allclose(sequence_weights(tags, weights), oracle)


def test_padding_and_missing_tags_are_left_out():
    weights = {0: 4.0, 1: 9.0}
    padded = np.array([[0, 1, -100], [0, -100, -100], [-100, -100, -100]])
    np.testing.assert_allclose(sequence_weights(padded, weights, pad=-100), [6, 4, 1])
    np.testing.assert_allclose(sequence_weights([[0, None], [], [1, -1, -2]], weights, pad=[-1, -2]), [4, 1, 9])
    # Padding is left out even where it has a weight.
    np.testing.assert_allclose(sequence_weights([[0, 1]], weights, pad=0), [9])


def test_long_sequences_do_not_underflow_and_zero_stays_zero():
    assert sequence_weights([["a"] * 5000], {"a": 1e-3})[0] == pytest.approx(1e-3)
    assert sequence_weights([["a", "b"]], {"a": 0, "b": 1})[0] == 0


def test_a_tag_without_weight_is_named():
    with pytest.raises(DataError, match="label 'X' has no weight"):
        sequence_weights([["X"]], {"O": 1})


def test_three_hundred_against_one_hundred():
    matrix = np.zeros((400, 2))
    matrix[:100, 0] = 1
    matrix[:50, 1], matrix[350:, 1] = 1, np.nan
    np.testing.assert_allclose(pos_weights(matrix), [3, 6])
    np.testing.assert_allclose(pos_weights(count_labels(matrix)), [3, 6])
    np.testing.assert_allclose(pos_weights(pd.DataFrame(matrix)), [3, 6])


def test_a_side_without_rows_is_warned_of_and_taken_to_have_one():
    # Elsewhere: negatives / 0 = inf, and then NaN in the loss.
    with pytest.warns(UserWarning, match="labels without") as caught:
        weights = pos_weights(np.array([[0, 1, np.nan], [0, 1, np.nan]]))
    np.testing.assert_allclose(weights, [2, 0.5, 1])
    assert [str(warning.message) for warning in caught] == [
        "labels without positives, taken to have one: 0, 2",
        "labels without negatives, taken to have one: 1, 2",
    ]
    assert caught[0].filename == __file__


def test_pos_weights_balance_torchs_loss():
    matrix = torch.zeros(400, 1)
    matrix[:100] = 1
    loss = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(pos_weights(matrix)), reduction="none")
    per_row = loss(torch.zeros(400, 1), matrix)
    assert per_row[:100].sum() == pytest.approx(per_row[100:].sum().item(), rel=1e-6)


@pytest.mark.parametrize("wrong", [[0, 1], count_labels([0, 1])])
def test_pos_weights_need_a_matrix(wrong):
    with pytest.raises(DataError, match="multi-label matrix"):
        pos_weights(wrong)
