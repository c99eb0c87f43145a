"""How many rows each class has: counted once, merged freely, and the ground that weights stand on."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.labels import (
    EncodedLabels,
    as_classes,
    as_multilabel,
    encode_labels,
    flatten,
    integer_counts,
    is_matrix,
    is_missing,
    is_nested,
    label_names,
    native,
    sort_labels,
    tally_labels,
)
from steelyard.notebook import Bar, Cell, html_table

_CHUNK = 65536


@dataclass(frozen=True, eq=False, repr=False)
class LabelCounts:
    """Rows of each class.

    Attributes
    ----------
    classes : tuple
        The classes, as Python scalars.
    counts : ndarray of int64 (or float64, when weighted counts were given), shape (n_classes,)
        Rows of each class; in multi-label data the rows known to have the label. Read-only.
    known : ndarray or None
        Multi-label data only: rows for which it is known whether they have the label, shape (n_classes,).

    Examples
    --------
    >>> counts = LabelCounts(("funny", "soccer"), np.array([5, 82]))
    >>> counts
    LabelCounts({'funny': 5, 'soccer': 82}, total=87, imbalance_ratio=16.4)
    >>> (counts + counts).as_dict()
    {'funny': 10, 'soccer': 164}
    """

    classes: tuple[Hashable, ...]
    counts: NDArray[Any]
    known: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", as_classes(self.classes))
        object.__setattr__(self, "counts", _checked(self.counts, self.classes))
        if self.known is not None:
            object.__setattr__(self, "known", _checked(self.known, self.classes))

    @property
    def total(self) -> int | float:
        """Sum of the counts: rows, or given labels in multi-label data."""
        total: int | float = self.counts.sum().item()
        return total

    @property
    def priors(self) -> NDArray[np.float64]:
        """Share of each class in all rows (multi-label: in the rows known), float64 of shape (n_classes,)."""
        whole = np.asarray(self.total if self.known is None else self.known, dtype=np.float64)
        return self.counts / np.where(whole == 0, 1.0, whole)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether each class has rows, shape (n_classes,)."""
        mask: NDArray[np.bool_] = self.counts > 0
        return mask

    @property
    def absent(self) -> tuple[Hashable, ...]:
        """Classes without rows."""
        return tuple(name for name, present in zip(self.classes, self.present, strict=True) if not present)

    @property
    def imbalance_ratio(self) -> float:
        """Largest count over the smallest of a class that has rows; 1 when no class has."""
        counts = self.counts[self.present]
        return float(counts.max() / counts.min()) if counts.size else 1.0

    @property
    def negatives(self) -> NDArray[Any] | None:
        """Multi-label data only: rows known not to have the label, shape (n_classes,)."""
        return None if self.known is None else self.known - self.counts

    def as_dict(self) -> dict[Hashable, int | float]:
        """Count of each class by name."""
        return dict(zip(self.classes, self.counts.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.classes)

    def __add__(self, other: LabelCounts) -> LabelCounts:
        """Counts of both together, over the classes of either: sorted where both are, else as they appear."""
        if not isinstance(other, LabelCounts):
            return NotImplemented
        if (self.known is None) != (other.known is None):
            raise UsageError("counts of multi-label data and of one label a row cannot be added")
        classes = tuple(dict.fromkeys(self.classes + other.classes))
        if _is_sorted(self.classes) and _is_sorted(other.classes):
            classes = tuple(sort_labels(classes))
        return _add(_reindex(self, classes), _reindex(other, classes))

    def __radd__(self, other: object) -> LabelCounts:
        # sum() starts from 0.
        return self if other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelCounts):
            return NotImplemented
        if (self.known is None) != (other.known is None) or self.classes != other.classes:
            return False
        return np.array_equal(self.counts, other.counts) and (
            self.known is None or np.array_equal(self.known, other.known)  # type: ignore[arg-type]
        )

    def __hash__(self) -> int:
        return hash((self.classes, tuple(self.counts.tolist())))

    def _repr_html_(self) -> str:
        top = float(self.counts.max()) if self.counts.size else 1.0
        order = np.argsort(-self.counts, kind="stable").tolist()
        rows: list[list[Cell]] = [
            [str(self.classes[k]), self.counts[k].item(), f"{self.priors[k]:.1%}", Bar(self.counts[k] / (top or 1.0))]
            for k in order
        ]
        absent = f", {len(self.absent)} without a row" if self.absent else ""
        title = f"{len(self)} classes{absent}, imbalance {self.imbalance_ratio:,.4g} to 1"
        return html_table(title, ["class", "rows", "share", ""], rows)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name!r}: {count}" for name, count in islice(self.as_dict().items(), 12))
        more = f", ... {len(self) - 12} more" if len(self) > 12 else ""
        return f"LabelCounts({{{shown}{more}}}, total={self.total}, imbalance_ratio={self.imbalance_ratio:.3g})"


def count_labels(y: Any, classes: Iterable[Hashable] | None = None, ignore: Any = None) -> LabelCounts:
    """Rows of each class.

    Parameters
    ----------
    y : labels in one of these forms
        - array-like of shape (n_samples,): one label a row; missing labels are not counted.
        - matrix or table of shape (n_samples, n_labels): multi-label, entries 0, 1 or NaN (unknown); the
          classes are the column names of a table, else 0 to n_labels - 1 (or ``classes``, by position).
        - sequence of sequences: the tags of each row, of any length; array of three or more dimensions: masks
          (flatten two-dimensional tags or masks with ``ravel`` first).
        - mapping from class to count, in any order; or a ``LabelCounts``.
        - iterator (a generator) over chunks of any of the above, or over labels.
    classes : iterable, optional
        The classes in the order wanted; those without rows are listed in ``absent``. By default those that
        occur, sorted.
    ignore : label or collection of labels, optional
        Labels left out, as padding is (-100); in a multi-label matrix, entries that mean unknown.

    Returns
    -------
    LabelCounts
        ``counts`` is int64 of shape (n_classes,), or float64 when a mapping holds fractions.

    Raises
    ------
    DataError
        When a label is not among ``classes``, or a count is negative.

    Warns
    -----
    UserWarning
        When an ignored label is named as a class (in ``classes`` or as a mapping's key) and has rows.

    Examples
    --------
    >>> count_labels(["soccer", "funny", "soccer"])
    LabelCounts({'funny': 1, 'soccer': 2}, total=3, imbalance_ratio=2)
    >>> count_labels([[0, 0, -100], [1]], ignore=-100).as_dict()
    {0: 2, 1: 1}
    >>> count_labels(np.array([[1, 0], [1, np.nan]])).negatives
    array([0, 1])
    """
    order = None if classes is None else as_classes(classes)
    ignored = _as_set(ignore)
    y = native(y)
    if is_matrix(y):
        return _count_matrix(y, order, ignored)
    counted = _count_chunks(y, order, ignored) if isinstance(y, Iterator) else _count(y)
    if ignored:
        explicit = order if order is not None else counted.classes if isinstance(y, Mapping) else ()
        counted = _without(counted, ignored, explicit)
    return counted if order is None else _reindex(counted, order)


def _count(y: Any) -> LabelCounts:
    if isinstance(y, LabelCounts):
        return y
    if isinstance(y, Mapping):
        return _count_mapping(y)
    if isinstance(y, (str, bytes)) or not (hasattr(y, "__iter__") or isinstance(y, EncodedLabels)):
        raise UsageError(f"labels must be a sequence, a mapping or an iterator, not a {type(y).__name__}")
    if len(getattr(y, "shape", ())) > 2:
        y = np.asarray(y).ravel()
    if isinstance(y, np.ndarray) and y.dtype.kind in "iu" and (counted := integer_counts(y)) is not None:
        low, counts = counted
        present = np.flatnonzero(counts)
        return LabelCounts(tuple(low + place for place in present.tolist()), counts[present])
    if not isinstance(y, EncodedLabels) and is_nested(y):
        y = flatten(y)[0]
    if (tallied := tally_labels(y)) is not None:
        return LabelCounts(*tallied)
    encoded = encode_labels(y)
    codes = encoded.codes
    # Shifted by one, so that missing labels are counted too (in front) and no copy without them is made.
    counts = np.bincount(codes + 1, minlength=len(encoded.classes) + 1)[1:]
    return LabelCounts(encoded.classes, counts.astype(np.int64, copy=False))


def _count_mapping(y: Mapping[Any, Any]) -> LabelCounts:
    for name, count in y.items():
        if is_missing(name):
            raise DataError(f"a class in the mapping of counts is missing ({name!r})")
        number = isinstance(count, (int, float, np.integer, np.floating)) and not isinstance(count, bool)
        if not number or not 0 <= count < np.inf:
            raise DataError(f"count of class {name!r} must be a number of rows, 0 or more, not {count!r}")
    classes = sort_labels(y)
    return LabelCounts(tuple(classes), np.asarray([y[name] for name in classes] or np.zeros(0, np.int64)))


def _count_chunks(chunks: Iterator[Any], order: tuple[Hashable, ...] | None, ignored: frozenset[Any]) -> LabelCounts:
    merged: LabelCounts | None = None
    for chunk in _as_chunks(chunks):
        # A matrix needs both here: ignored entries are unknown, and its columns have no names of their own.
        plain = native(chunk)
        counted = _count_matrix(plain, order, ignored) if is_matrix(plain) else count_labels(plain)
        merged = counted if merged is None else merged + counted
    return LabelCounts((), np.zeros(0, np.int64)) if merged is None else merged


def _as_chunks(items: Iterator[Any]) -> Iterator[Any]:
    """Chunks as they come, or single labels gathered into chunks."""
    for first in items:
        items = chain([first], items)
        break
    else:
        return items
    if isinstance(first, (str, bytes)) or not (hasattr(first, "__iter__") or hasattr(first, "__len__")):
        return iter(lambda: list(islice(items, _CHUNK)), [])
    return items


def _count_matrix(Y: Any, order: tuple[Hashable, ...] | None, ignored: frozenset[Any]) -> LabelCounts:
    names = label_names(Y)
    if wrong := [value for value in ignored if not isinstance(value, (int, float, np.number))]:
        raise UsageError(f"ignore={wrong[0]!r}: what is ignored in a multi-label matrix is a number such as -1")
    matrix, known = _checked_matrix(Y, ignored)
    if names is None:
        names = tuple(range(matrix.shape[1])) if order is None else order
        if len(names) != matrix.shape[1]:
            raise UsageError(f"{len(names)} classes for a matrix of {matrix.shape[1]} columns")
    counts = (matrix.sum(axis=0) if known is None else np.nansum(matrix, axis=0)).astype(np.int64)
    counted = LabelCounts(names, counts, np.full(matrix.shape[1], len(matrix)) if known is None else known)
    return counted if order is None else _reindex(counted, order)


def _checked_matrix(Y: Any, ignored: frozenset[Any]) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    """The matrix, and the rows known of each label (None for all)."""
    # Whole numbers have no gaps, and need no copy to be looked at.
    if isinstance(Y, np.ndarray) and Y.dtype.kind in "biu" and not ignored and Y.size and Y.min() >= 0 and Y.max() <= 1:
        return Y, None
    matrix = as_multilabel(Y, unknown=ignored)
    return matrix, (~np.isnan(matrix)).sum(axis=0)


def _as_set(ignore: Any) -> frozenset[Any]:
    if ignore is None:
        return frozenset()
    if isinstance(ignore, (str, bytes)) or not hasattr(ignore, "__iter__"):
        return frozenset([ignore])
    return frozenset(ignore)


def _without(counted: LabelCounts, ignored: frozenset[Any], explicit: tuple[Hashable, ...]) -> LabelCounts:
    numbers = counted.as_dict()
    for name in explicit:
        # Negative numbers are what padding is marked with, even where a mapping lists them.
        padding = isinstance(name, int) and name < 0
        if name in ignored and numbers.get(name) and not padding:
            share = numbers[name] / counted.total
            warnings.warn(
                f"ignored label {name!r} is a class with {numbers[name]} rows ({share:.0%} of all): they are left out",
                UserWarning,
                stacklevel=3,
            )
    return _reindex(counted, tuple(name for name in counted.classes if name not in ignored), drop=True)


def _reindex(counted: LabelCounts, classes: tuple[Hashable, ...], drop: bool = False) -> LabelCounts:
    if classes == counted.classes:
        return counted
    numbers = counted.as_dict()
    if not drop:
        wanted = set(classes)
        for name in numbers:
            if name not in wanted and numbers[name]:
                known = ", ".join(map(repr, classes[:10]))
                raise DataError(f"label {name!r} ({numbers[name]} rows) is not one of the classes {known}")
    counts = np.array([numbers.get(name, 0) for name in classes], counted.counts.dtype)
    if counted.known is None:
        return LabelCounts(classes, counts)
    of = dict(zip(counted.classes, counted.known.tolist(), strict=True))
    return LabelCounts(classes, counts, np.array([of.get(name, 0) for name in classes], counted.known.dtype))


def _add(one: LabelCounts, other: LabelCounts) -> LabelCounts:
    known = None if one.known is None or other.known is None else one.known + other.known
    return LabelCounts(one.classes, one.counts + other.counts, known)


def _is_sorted(classes: tuple[Hashable, ...]) -> bool:
    return list(classes) == sort_labels(classes)


def _checked(counts: Any, classes: tuple[Hashable, ...]) -> NDArray[Any]:
    array = np.array(counts)
    if array.shape != (len(classes),):
        raise UsageError(f"counts have shape {array.shape}, but there are {len(classes)} classes")
    array = array.astype(np.int64 if array.dtype.kind in "iub" or not array.size else np.float64)
    if array.size and not (np.isfinite(array).all() and array.min() >= 0):
        wrong = int((~(array >= 0) | ~np.isfinite(array)).argmax())
        raise DataError(f"count of class {classes[wrong]!r} must be 0 or more, not {array[wrong]}")
    array.flags.writeable = False
    return array
