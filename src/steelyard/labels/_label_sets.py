"""Several labels a row, however they are written: columns of 0 and 1, lists of labels, or one text with a separator."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.labels._encode import encode_labels
from steelyard.labels._multilabel import as_multilabel, is_matrix, label_names
from steelyard.labels._sequences import is_nested
from steelyard.labels._values import is_missing, library_of, listed, native, scalar, sort_labels

#: What a text may say in a column of one label; anything else is an error.
_TEXTS = {"1": 1.0, "1.0": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0, "": np.nan}


@dataclass(frozen=True, eq=False)
class LabelSets:
    """Which labels each row has.

    Attributes
    ----------
    codes : ndarray of float64, shape (n_samples, n_labels)
        1 where a row has a label, 0 where it has not, NaN where that is not known.
    classes : tuple
        Names of the labels, in the order of the columns.
    form : {"columns", "list"}
        How they were written, and so how predictions are: a column for each label, or a list for each row.
    """

    codes: NDArray[np.float64]
    classes: tuple[Hashable, ...]
    form: Literal["columns", "list"]

    def __len__(self) -> int:
        return len(self.codes)


def holds_label_sets(y: Any) -> bool:
    """Whether labels are several a row: a matrix or table of two columns or more, or a list for each row."""
    y = native(y)
    if is_matrix(y):
        return int(y.shape[1]) > 1
    one_dimensional = hasattr(y, "__len__") and not isinstance(y, (str, bytes)) and len(getattr(y, "shape", (0,))) == 1
    return one_dimensional and is_nested(y)


def encode_label_sets(Y: Any, separator: str | None = None) -> LabelSets:
    """Labels of each row as a checked matrix, with their names.

    Parameters
    ----------
    Y : one of these
        - table of shape (n_samples, n_labels): a column for each label, holding 0, 1, true, false, or nothing where
          it is not known; the labels are the columns' names;
        - array, sparse matrix or tensor of that shape, NaN where not known: the labels are 0 to n_labels - 1;
        - with a separator, one text a row that names its labels: ``"joy|love"``. An empty text is not known; the
          separator alone means that a row has no label;
        - a list (or array, or list column) of the labels of each row; an empty one has none, None is not known.
    separator : str, optional

    Returns
    -------
    LabelSets
        Labels of texts and lists are sorted.

    Raises
    ------
    DataError
        When an entry is none of these; the message names its row and column.
    UsageError
        When the separator is empty, or given for what needs none.

    Examples
    --------
    >>> found = encode_label_sets(["joy|love", "love", "|", None], separator="|")
    >>> found.classes, found.codes[:3].astype(int).tolist(), bool(np.isnan(found.codes[3]).all())
    (('joy', 'love'), [[1, 1], [0, 1], [0, 0]], True)
    """
    Y = native(Y)
    if separator is not None:
        return _from_lists(_split(Y, separator))
    if is_matrix(Y):
        names = label_names(Y)
        if names is None:
            matrix = as_multilabel(Y)
            return LabelSets(matrix, tuple(range(matrix.shape[1])), "columns")
        return _from_columns(Y, names)
    return _from_lists(Y.to_list() if library_of(Y) == "polars" else list(Y))


def _from_columns(Y: Any, names: tuple[Hashable, ...]) -> LabelSets:
    texts = [str(name) for name in names]
    if len(set(texts)) < len(texts):
        twice = next(name for name in texts if texts.count(name) > 1)
        raise DataError(f"two label columns are called {twice!r}; give each its own name")
    take = Y.iloc.__getitem__ if library_of(Y) == "pandas" else None
    columns = [Y[name] if take is None else take((slice(None), place)) for place, name in enumerate(names)]
    made = [_binary(column, name) for column, name in zip(columns, names, strict=True)]
    return LabelSets(np.column_stack(made), names, "columns")


def _binary(column: Any, name: Hashable) -> NDArray[np.float64]:
    encoded = encode_labels(column)
    # One entry more than there are values: code -1 (missing) picks the last one.
    table = np.full(len(encoded.classes) + 1, np.nan)
    for code, value in enumerate(encoded.classes):
        known = _TEXTS.get(value.strip().lower()) if isinstance(value, str) else _number(value)
        if known is None:
            row = int((encoded.codes == code).argmax())
            raise DataError(
                f"column {str(name)!r} holds {value!r} in row {row}: a column of one label holds 0 or 1 (or true or "
                "false), and nothing where it is not known; several labels in one column need --label-separator"
            )
        table[code] = known
    return table[encoded.codes]


def _number(value: Hashable) -> float | None:
    return float(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None


def _split(Y: Any, separator: str) -> list[list[str] | None]:
    if not separator:
        raise UsageError("--label-separator must be a text such as '|', not an empty one")
    if is_matrix(Y) or is_nested(Y):
        raise UsageError(f"--label-separator {separator!r} is for one column of texts; these labels are apart already")
    encoded = encode_labels(Y)
    parts: list[list[str] | None] = []
    for value in encoded.classes:
        if not isinstance(value, str):
            raise DataError(
                f"--label-separator {separator!r} is for texts; row {int((encoded.codes == len(parts)).argmax())} "
                f"holds {value!r}"
            )
        parts.append([part.strip() for part in value.split(separator) if part.strip()] if value.strip() else None)
    parts.append(None)
    return [parts[code] for code in encoded.codes.tolist()]


def _from_lists(rows: Iterable[Any]) -> LabelSets:
    table = [None if row is None or _is_gap(row) else _labels_of(row, place) for place, row in enumerate(rows)]
    classes = sort_labels({label for row in table if row is not None for label in row})
    _refuse_matrix(table)
    position = {label: code for code, label in enumerate(classes)}
    codes = np.zeros((len(table), len(classes)))
    for place, row in enumerate(table):
        if row is None:
            codes[place] = np.nan
        else:
            codes[place, [position[label] for label in row]] = 1.0
    return LabelSets(codes, tuple(classes), "list")


def _is_gap(row: Any) -> bool:
    return not hasattr(row, "__len__") and is_missing(row)


def _labels_of(row: Any, place: int) -> list[Hashable]:
    if isinstance(row, (str, bytes)) or not hasattr(row, "__iter__"):
        raise DataError(
            f"row {place} holds {row!r:.40}, not a list of labels; texts with several labels need --label-separator"
        )
    labels = [scalar(label) for label in row]
    for label in labels:
        if is_missing(label) or not isinstance(label, (str, bool, int, float)):
            raise DataError(f"row {place} holds {label!r:.40} among its labels; leave it out, or give it a name")
    return labels


def _refuse_matrix(table: list[list[Hashable] | None]) -> None:
    widths = {len(row) for row in table if row is not None}
    if len(widths) == 1 and max(widths) > 1 and all(label in (0, 1) for row in table for label in row or ()):
        raise DataError(
            f"each row is a list of {max(widths)} zeros and ones: give a matrix (np.array(Y)) where they say which "
            "labels a row has, or name the labels"
        )


def check_separable(classes: Iterable[Hashable], separator: str) -> None:
    """Refuse labels that cannot be joined by a separator and told apart again.

    Raises
    ------
    UsageError
        When a label contains it; the label is named.
    """
    inside = [str(name) for name in classes if separator in str(name)]
    if inside:
        raise UsageError(
            f"label {inside[0]!r} contains the separator {separator!r}, so joined labels could not be told apart; "
            f"write .parquet or .jsonl, which keep lists, or rename {listed(inside, 3)}"
        )
