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
    codes: Codes, n_folds: int, *, groups: Codes | None = None, seed: int = 0, repeats: int = 1
) -> NDArray[np.int64]:
    """Stratified folds for each repeat.

    The rows of each class are spread over the folds as evenly as can be, whether the class has more rows than
    there are folds or fewer. A class with a single row is always trained on and never scored. Rows of one group
    stay in one fold.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
        Class of each row.
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
    deal = _deal_rows if groups is None else _deal_groups
    made = [deal(codes, groups, n_folds, np.random.default_rng(s)) for s in seeds]
    out = np.stack(made)
    counts = np.bincount(codes)
    out[:, counts[codes] == 1] = NEVER_SCORED
    return out


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
    counts = table.sum(axis=0)
    # Groups are placed with the rarest of their classes in mind: rarest first, then largest, then by lot.
    rarest = np.where(table > 0, counts, np.iinfo(np.int64).max).argmin(axis=1)
    order = np.lexsort((rng.permutation(n_groups), -table.sum(axis=1), counts[rarest]))
    held = np.zeros((n_folds, n_classes))
    size = np.zeros(n_folds)
    fold_of_group = np.empty(n_groups, dtype=np.int64)
    for position in order:
        row = table[position]
        fold = np.lexsort((size, held[:, rarest[position]]))[0]
        held[fold] += row
        size[fold] += row.sum()
        fold_of_group[position] = fold
    return fold_of_group[group]


def folds_from_column(codes: Codes, column: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
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
    out[np.bincount(codes)[codes] == 1] = NEVER_SCORED
    return out[None]
