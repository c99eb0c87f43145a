"""The rows of each class, listed class after class: what class shares are drawn by and audited against."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.labels import as_multilabel, encode_labels, flatten, integer_counts, is_matrix, label_names, native
from steelyard.labels import is_nested as holds_sequences
from steelyard.samplers._backend import draws, index_dtype

#: Rows looked at together where a whole class would be too many.
_PORTION = 1 << 20


@dataclass(frozen=True, eq=False)
class RowGroups:
    """Rows by class.

    Attributes
    ----------
    classes : tuple
        Classes that have rows. With several labels a row, the last may be None: rows without any label.
    order : ndarray of int32 or int64
        Row numbers, class after class; a row with several labels stands there once for each.
    offsets : ndarray of int64, shape (n_classes + 1,)
        Where each class begins in ``order``.
    n_rows : int
        Rows of the data, those without a label included.
    several : bool
        Whether a row may have several labels.
    """

    classes: tuple[Hashable, ...]
    order: NDArray[Any]
    offsets: NDArray[np.int64]
    n_rows: int
    several: bool

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each class, shape (n_classes,)."""
        return np.diff(self.offsets)

    def totals(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum over the rows of each class of one value a row, shape (n_classes,)."""
        sums = np.zeros(len(self.classes), values.dtype)
        for code, (begin, end) in enumerate(zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)):
            # In portions: a class may hold most of a billion rows.
            for start in range(begin, end, _PORTION):
                sums[code] += values[self.order[start : min(start + _PORTION, end)]].sum()
        return sums


def group_rows(labels: Any) -> RowGroups:
    """Rows by class, of one label a row, a 0/1 matrix, or a sequence of labels a row.

    Raises
    ------
    DataError
        When there are no rows, or none has a label.
    """
    labels = native(labels)
    if not hasattr(labels, "__len__"):
        labels = list(labels)
    if not len(labels):
        raise DataError("there are no labels, so there is nothing to draw from")
    if is_matrix(labels):
        return _of_matrix(labels)
    if len(getattr(labels, "shape", (0,))) == 1 and holds_sequences(labels):
        flat, lengths = flatten(labels)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        return _of_pairs(*_coded(flat), rows=rows, n_rows=len(lengths))
    if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "iu":
        grouped = _of_integers(labels)
        if grouped is not None:
            return grouped
    codes, classes = _coded(labels)
    counts = np.bincount(codes + 1, minlength=len(classes) + 1)[1:]
    if not counts.sum():
        raise DataError("all labels are missing, so there is nothing to draw from")
    return _grouped(codes, 0, counts, classes, several=False)


def _of_integers(labels: NDArray[Any]) -> RowGroups | None:
    counted = integer_counts(labels)
    if counted is None or labels.dtype == np.uint64:
        return None
    low, counts = counted
    return _grouped(labels, low, counts, tuple(range(low, low + len(counts))), several=False)


def _of_matrix(Y: Any) -> RowGroups:
    names = label_names(Y)
    matrix = as_multilabel(Y)
    classes = tuple(range(matrix.shape[1])) if names is None else names
    rows, codes = np.nonzero(matrix == 1)
    return _of_pairs(codes, classes, rows=rows, n_rows=len(matrix))


def _of_pairs(
    codes: NDArray[np.int64], classes: tuple[Hashable, ...], rows: NDArray[np.int64], n_rows: int
) -> RowGroups:
    """Rows by class from pairs of row and class; rows in no pair are a class of their own, None."""
    known = codes >= 0
    # A label that a row names twice counts once.
    pairs = np.unique(rows[known] * np.int64(len(classes)) + codes[known])
    rows, codes = pairs // max(len(classes), 1), pairs % max(len(classes), 1)
    bare = np.setdiff1d(np.arange(n_rows), rows)
    rows, codes = np.concatenate([rows, bare]), np.concatenate([codes, np.full(len(bare), len(classes))])
    counts = np.bincount(codes, minlength=len(classes) + 1)
    if not counts[:-1].sum():
        raise DataError("no row has a label, so there is nothing to draw by")
    grouped = _grouped(codes, 0, counts, (*classes, None), several=True)
    order = rows[grouped.order].astype(index_dtype(n_rows))
    return RowGroups(grouped.classes, order, grouped.offsets, n_rows, several=True)


def _coded(labels: Any) -> tuple[NDArray[np.int64], tuple[Hashable, ...]]:
    encoded = encode_labels(labels)
    return encoded.codes, encoded.classes


def _grouped(
    values: NDArray[Any], low: int, counts: NDArray[np.int64], classes: tuple[Hashable, ...], several: bool
) -> RowGroups:
    """Rows by class from whole numbers ``low + code``; codes without rows are left out, as is -1."""
    present = np.flatnonzero(counts)
    offsets = np.concatenate([[0], np.cumsum(counts[present])]).astype(np.int64)
    # One entry more in front than there are classes, for missing labels.
    rank = np.full(len(counts) + 1, -1, np.int64)
    rank[present + 1] = np.arange(len(present))
    order = np.empty(offsets[-1], index_dtype(len(values)))
    draws().group(values, low - 1, rank, offsets[:-1].copy(), order)
    return RowGroups(tuple(classes[code] for code in present.tolist()), order, offsets, len(values), several)
