"""Columns that give the target away: known only after the fact, or made from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData
from steelyard.labels import encode_labels

#: Rows that are looked at; of more, these are enough to tell.
MOST_ROWS = 10_000
#: Entries of a table of values by classes.
MOST_ENTRIES = 10_000_000
#: Share of a class's rows, and number of rows, that may be missed by a column that gives it away.
SHARE, FEW = 0.02, 2
#: Rows that two classes must have, or agreement could be chance.
ENOUGH = 8


def give_away_warnings(data: EngineData) -> list[str]:
    """A sentence on each column that by itself tells the class of nearly every row.

    A row's class is told by the other rows of the same value, or, where no other row has it, by the rows of the next
    values below and above. A column that does so for all but 2 % of each class is hardly ever an honest one.
    """
    rng = np.random.default_rng([data.seed, 0x6A5E])
    n_rows, most = len(data.codes), min(MOST_ROWS, MOST_ENTRIES // data.n_classes)
    rows = np.arange(n_rows) if n_rows <= most else np.sort(rng.choice(n_rows, most, replace=False))
    said = []
    for name, values in _columns(data, rows):
        order = np.argsort(values, kind="stable")
        ranks, codes = values[order], data.codes[rows[order]]
        if data.multilabel:
            told = [str(k) for k, column in zip(data.classes, codes.T, strict=True) if _tells_label(ranks, column)]
            what = f"whether a row has {', '.join(told)}" if told else ""
        else:
            what = "the class of nearly every row" if _tells(ranks, codes) else ""
        if what:
            said.append(
                f"Column {name!r} alone tells {what}: it may give the target away; leave it out unless it is known "
                "when predictions are made."
            )
    return said


def _columns(data: EngineData, rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each column with its values as ranks: equal values share one, missing ones are a value of their own."""
    for name, numbers in zip(data.schema.numeric, data.matrix.numeric.T, strict=False):
        yield name, np.unique(numbers[rows], return_inverse=True)[1].astype(np.int64)
    for name, codes in zip(data.schema.categorical, data.matrix.codes.T, strict=True):
        yield name, encode_labels(codes[rows].astype(np.int64)).codes


def _tells_label(ranks: NDArray[np.int64], column: NDArray[np.float64]) -> bool:
    known = ~np.isnan(column)
    return _tells(ranks if known.all() else ranks[known], column[known].astype(np.int64))


def _tells(ranks: NDArray[np.int64], codes: NDArray[np.int64]) -> bool:
    counts = np.bincount(codes)
    if (counts >= ENOUGH).sum() < 2:
        return False
    missed = np.bincount(codes[~_told(ranks, codes)], minlength=len(counts))
    return bool((missed <= FEW + SHARE * counts).all())


def _told(ranks: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row's class is that of the rows like it; rows come in the order of their ranks."""
    n_values, n_classes = int(ranks.max()) + 1, int(codes.max()) + 1
    table = np.bincount(ranks * n_classes + codes, minlength=n_values * n_classes).reshape(n_values, n_classes)
    own = table[ranks, codes] - 1
    others = table.sum(axis=1)[ranks] - 1 - own
    padded = np.concatenate([[codes[1]], codes, [codes[-2]]])
    beside = (padded[:-2] == codes) & (padded[2:] == codes)
    # More of its own class than of all others together, the row itself left aside.
    told: NDArray[np.bool_] = np.where(own + others == 0, beside, own > others)
    return told
