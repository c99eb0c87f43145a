"""Folds, judged against scikit-learn's splitters and against the promises made for rare classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from steelyard.errors import DataError, UsageError
from steelyard.study import folds_from_column, make_folds


def spread(codes, folds):
    """Largest less smallest number of rows of a class in a fold, for each class."""
    table = np.array([np.bincount(codes[folds == k], minlength=codes.max() + 1) for k in range(folds.max() + 1)])
    return np.ptp(table, axis=0), np.ptp(table.sum(axis=1))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(2, 40), min_size=2, max_size=8),
    st.integers(2, 9),
    st.integers(0, 10_000),
)
def test_every_class_is_spread_as_evenly_as_scikit_learn_spreads_it(sizes, n_folds, seed):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n_folds = min(n_folds, len(codes))
    (folds,) = make_folds(codes, n_folds, seed=seed)
    ours, ours_size = spread(codes, folds)
    assert (ours <= 1).all()
    assert ours_size <= 1
    if n_folds <= max(sizes):
        theirs = np.empty(len(codes), dtype=int)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of every class with fewer rows than folds
            for number, (_, test) in enumerate(StratifiedKFold(n_folds).split(codes, codes)):
                theirs[test] = number
        assert (ours <= spread(codes, theirs)[0]).all()


def grouped_table(seed):
    rng = np.random.default_rng(seed)
    n_groups = 120
    sizes = rng.integers(1, 9, n_groups)
    groups = np.repeat(np.arange(n_groups), sizes)
    share = rng.dirichlet([8, 2, 0.4], n_groups)
    codes = np.array([rng.choice(3, p=share[group]) for group in groups])
    order = rng.permutation(len(codes))
    return codes[order], groups[order]


@pytest.mark.parametrize("n_folds", [3, 5])
def test_groups_stay_together_and_shares_are_as_even_as_scikit_learn_makes_them(n_folds):
    """Mean distance between a fold's class shares and the whole's, over several tables."""
    distance = {"ours": [], "theirs": []}
    for seed in range(6):
        codes, groups = grouped_table(seed)
        (folds,) = make_folds(codes, n_folds, groups=groups, seed=seed)
        assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))
        assert len(set(folds)) == n_folds
        theirs = np.empty_like(folds)
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        for number, (_, test) in enumerate(splitter.split(codes, codes, groups)):
            theirs[test] = number
        whole = np.bincount(codes, minlength=3)
        for name, made in (("ours", folds), ("theirs", theirs)):
            table = np.array([np.bincount(codes[made == k], minlength=3) for k in range(n_folds)])
            distance[name].append(np.abs(table / whole - 1 / n_folds).mean())
    assert np.mean(distance["ours"]) <= 1.1 * np.mean(distance["theirs"])


def test_a_class_of_one_row_is_never_scored_and_one_of_two_is_scored_in_two_folds():
    codes = np.array([0] * 20 + [1] * 2 + [2])
    folds = make_folds(codes, 5, seed=3, repeats=4)
    assert (folds[:, 22] == -1).all()
    assert all(len(set(repeat[20:22])) == 2 and repeat[20:22].min() >= 0 for repeat in folds)
    assert (folds[:, :20] >= 0).all()


def test_seeds_and_repeats_change_the_folds_and_the_same_seed_does_not():
    codes = np.repeat([0, 1], [30, 10])
    folds = make_folds(codes, 4, seed=1, repeats=3)
    assert np.array_equal(folds, make_folds(codes, 4, seed=1, repeats=3))
    assert len({tuple(repeat) for repeat in [*folds, *make_folds(codes, 4, seed=2)]}) == 4


def test_more_repeats_leave_the_first_ones_as_they_were():
    codes = np.repeat([0, 1], [30, 10])
    assert np.array_equal(make_folds(codes, 4, seed=1, repeats=3)[:2], make_folds(codes, 4, seed=1, repeats=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_folds": 1}, "at least 2"),
        ({"n_folds": 5}, "5 folds need at least as many rows; there are 4"),
        ({"n_folds": 2, "repeats": 0}, "--repeats must be at least 1"),
        ({"n_folds": 3, "groups": np.array([0, 0, 1, 1])}, "as many groups; there are 2"),
    ],
)
def test_folds_that_cannot_be_made(arguments, message):
    with pytest.raises(UsageError, match=message):
        make_folds(np.array([0, 0, 1, 1]), **arguments)


def test_a_fold_column_is_taken_as_it_is():
    codes = np.array([0, 0, 0, 1, 1, 2, 0])
    for missing in (None, "", float("nan")):
        (folds,) = folds_from_column(codes, ["b", "a", "b", "a", "b", "a", missing])
        assert folds.tolist() == [1, 0, 1, 0, 1, -1, -1]


@pytest.mark.parametrize("column", [["a"] * 3, [None] * 3, ["", "a", ""]])
def test_a_fold_column_of_fewer_than_two_folds(column):
    with pytest.raises(DataError, match="at least two are needed"):
        folds_from_column(np.array([0, 0, 1]), column)
