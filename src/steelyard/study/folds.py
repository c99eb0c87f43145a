"""Folds that survive rare classes, single rows and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError

Codes = NDArray[np.int64]

#: Fold of a row that is always trained on and never scored.
NEVER_SCORED = -1


def make_folds(
    codes: NDArray[Any], n_folds: int, *, groups: Codes | None = None, seed: int = 0, repeats: int = 1
) -> NDArray[np.int64]:
    """Stratified folds for each repeat.

    The rows of each class are spread over the folds as evenly as can be, whether the class has more rows than
    there are folds or fewer. A class with a single row is always trained on and never scored. Rows of one group
    stay in one fold. Where rows may have several labels, those of the rarest label are dealt first, then those of
    the next (iterative stratification, Sechidis et al. 2011); of a label that most rows have, those without it.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,), or of float, shape (n_rows, n_labels)
        Class of each row, or 1, 0 and NaN (not known) for each label.
    n_folds : int
        At least 2 and at most the number of rows.
    groups : ndarray of int, shape (n_rows,), optional
        Group of each row.
    seed : int, default 0
    repeats : int, default 1

    Returns
    -------
    ndarray of int64, shape (repeats, n_rows)
        Fold of each row, or -1 for never scored.

    Raises
    ------
    UsageError
        When ``n_folds`` or ``repeats`` does not fit.

    Examples
    --------
    >>> folds = make_folds(np.array([0] * 6 + [1] * 2 + [2]), 3)
    >>> np.bincount(folds[0][:6]).tolist(), folds[0][8]
    ([2, 2, 2], np.int64(-1))
    """
    if n_folds < 2:
        raise UsageError(f"--folds must be at least 2, not {n_folds}: a model is never scored on rows it saw")
    if repeats < 1:
        raise UsageError(f"--repeats must be at least 1, not {repeats}")
    units = len(codes) if groups is None else len(np.unique(groups))
    if n_folds > units:
        what = "rows" if groups is None else "groups"
        raise UsageError(f"{n_folds} folds need at least as many {what}; there are {units}")
    seeds = np.random.SeedSequence([seed, 0xF01D]).spawn(repeats)
    if codes.ndim == 2:
        return np.stack([_deal_label_sets(codes, groups, n_folds, np.random.default_rng(s)) for s in seeds])
    deal = _deal_rows if groups is None else _deal_groups
    made = [deal(codes, groups, n_folds, np.random.default_rng(s)) for s in seeds]
    out = np.stack(made)
    out[:, _single(codes)] = NEVER_SCORED
    return out


def _single(codes: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows that are the only one of their class; one that has several labels is scored for the others."""
    if codes.ndim == 2:
        return np.zeros(len(codes), dtype=bool)
    alone: NDArray[np.bool_] = np.bincount(codes)[codes] == 1
    return alone


def _deal_rows(codes: Codes, _: Codes | None, n_folds: int, rng: np.random.Generator) -> Codes:
    folds = np.empty(len(codes), dtype=np.int64)
    start = 0
    # Each class goes on dealing where the one before it stopped, so that folds differ by one row at most.
    for code in rng.permutation(np.unique(codes)):
        rows = rng.permutation(np.flatnonzero(codes == code))
        folds[rows] = (start + np.arange(len(rows))) % n_folds
        start = (start + len(rows)) % n_folds
    return folds


def _deal_groups(codes: Codes, groups: Codes | None, n_folds: int, rng: np.random.Generator) -> Codes:
    assert groups is not None
    _, group = np.unique(groups, return_inverse=True)
    n_groups, n_classes = int(group.max()) + 1, int(codes.max()) + 1
    table = np.bincount(group * n_classes + codes, minlength=n_groups * n_classes).reshape(n_groups, n_classes)
    return _deal_units(table, table.sum(axis=1), n_folds, rng)[group]


def _deal_label_sets(Y: NDArray[Any], groups: Codes | None, n_folds: int, rng: np.random.Generator) -> Codes:
    has, has_not = Y == 1, Y == 0
    # A label of most rows is rare where it is absent.
    rare = np.where(has.sum(axis=0) <= has_not.sum(axis=0), has, has_not)
    # The last column holds rows that are of no rare side, so that they are spread as well.
    table = np.column_stack([rare, ~rare.any(axis=1)]).astype(np.int64)
    if groups is None:
        return _deal_units(table, np.ones(len(table), dtype=np.int64), n_folds, rng)
    _, group = np.unique(groups, return_inverse=True)
    summed = np.zeros((int(group.max()) + 1, table.shape[1]), dtype=np.int64)
    np.add.at(summed, group, table)
    return _deal_units(summed, np.bincount(group), n_folds, rng)[group]


def _deal_units(table: Codes, sizes: Codes, n_folds: int, rng: np.random.Generator) -> Codes:
    """Fold of each unit from its rows of each class (n_units, n_classes), and in all (n_units,)."""
    counts = table.sum(axis=0)
    # Units are placed with the rarest of their classes in mind: rarest first, then largest, then by lot.
    rarest = np.where(table > 0, counts, np.iinfo(np.int64).max).argmin(axis=1)
    order = np.lexsort((rng.permutation(len(table)), -sizes, counts[rarest]))
    held = np.zeros((n_folds, table.shape[1]))
    size = np.zeros(n_folds)
    folds = np.empty(len(table), dtype=np.int64)
    for position in order:
        fold = np.lexsort((size, held[:, rarest[position]]))[0]
        held[fold] += table[position]
        size[fold] += sizes[position]
        folds[position] = fold
    return folds


def folds_from_column(codes: NDArray[Any], column: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
    """Folds given by the user, one repeat; rows without a fold, and single-row classes, are never scored.

    Raises
    ------
    DataError
        When there are fewer than two folds.
    """
    # Frames turn a missing number into NaN, which differs from itself.
    values = ["" if value is None or value != value else str(value) for value in column]
    names = sorted({value for value in values if value}, key=lambda v: (len(v), v))
    if len(names) < 2:
        raise DataError(f"the fold column names {len(names)} fold(s); at least two are needed")
    number = {name: position for position, name in enumerate(names)}
    out = np.array([number.get(value, NEVER_SCORED) for value in values], dtype=np.int64)
    out[_single(codes)] = NEVER_SCORED
    return out[None]
