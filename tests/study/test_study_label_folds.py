"""Folds of rows with several labels: every label's rows are spread, however rare, and groups stay whole."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.study import folds_from_column, make_folds


def make_labels(n=400, shares=(0.6, 0.3, 0.1, 0.03), seed=0):
    rng = np.random.default_rng(seed)
    # Labels that come together, as they do in real data.
    scores = rng.random((n, 1)) + rng.random((n, len(shares)))
    return (
        np.column_stack([column < np.quantile(column, share) for column, share in zip(scores.T, shares, strict=True)])
        * 1.0
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_each_label_is_spread_evenly(n_folds, seed):
    Y = make_labels(seed=seed)
    folds = make_folds(Y, n_folds, seed=seed)[0]
    assert np.ptp(np.bincount(folds, minlength=n_folds)) <= 0.1 * len(Y) / n_folds + 2
    for label in range(Y.shape[1]):
        held = np.bincount(folds[Y[:, label] == 1], minlength=n_folds)
        rows = int(Y[:, label].sum())
        # The rarest are dealt first and lie as evenly as can be; others are a little off.
        assert np.ptp(held) <= max(1, 0.5 * rows / n_folds)
    rarest = int(Y.sum(axis=0).argmin())
    assert np.ptp(np.bincount(folds[Y[:, rarest] == 1], minlength=n_folds)) <= 1


def test_a_label_that_most_rows_have_is_spread_by_those_without_it():
    Y = np.ones((200, 2))
    Y[:10, 0] = 0
    Y[10:15, 1] = 0
    folds = make_folds(Y, 5, seed=1)[0]
    assert np.bincount(folds[:10], minlength=5).tolist() == [2] * 5
    assert np.bincount(folds[10:15], minlength=5).tolist() == [1] * 5


def test_groups_stay_whole():
    Y, groups = make_labels(), np.arange(400) // 4
    folds = make_folds(Y, 4, groups=groups, seed=2)[0]
    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(100))
    held = [np.bincount(folds[Y[:, k] == 1], minlength=4) for k in range(4)]
    assert all((part > 0).all() for part in held)


def test_the_seed_decides_and_repeats_differ():
    Y = make_labels()
    first, again = make_folds(Y, 5, seed=3, repeats=2), make_folds(Y, 5, seed=3, repeats=2)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    assert (first[0] != make_folds(Y, 5, seed=4)[0]).any()


def test_unknown_entries_are_no_positives():
    Y = make_labels()
    Y[::3, 2] = np.nan
    folds = make_folds(Y, 5, seed=0)[0]
    assert np.ptp(np.bincount(folds[Y[:, 2] == 1], minlength=5)) <= 3


def test_given_folds_are_kept():
    Y = np.zeros((6, 2))
    Y[0, 0] = 1
    assert folds_from_column(Y, ["a", "b", "a", None, "b", "a"])[0].tolist() == [0, 1, 0, -1, 1, 0]
