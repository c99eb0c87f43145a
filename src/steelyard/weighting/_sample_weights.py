"""Class weights carried over to rows, to entries of a multi-label matrix, and to sequences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.labels import as_multilabel, encode_labels, flatten, is_matrix, label_names, native
from steelyard.weighting._class_weights import ClassWeights


def sample_weights(y: Any, weights: Mapping[Any, float], per: Literal["label", "row"] = "label") -> NDArray[np.float64]:
    """Weight of each row, or of each entry of a multi-label matrix.

    Parameters
    ----------
    y : array-like of shape (n_samples,), or multi-label matrix of shape (n_samples, n_labels)
        Entries of a matrix are 0, 1 or NaN (unknown).
    weights : ClassWeights or mapping from class to weight
        For a matrix the classes are its column names, else 0 to n_labels - 1 (or ``ClassWeights`` in order).
    per : {"label", "row"}, default "label"
        Multi-label only. "label": an entry 1 weighs as its label does, an entry 0 weighs 1. "row": each entry
        weighs the sum of the weights of its row's labels (1 if it has none), as in the class-balanced loss.

    Returns
    -------
    ndarray of float64
        Shape (n_samples,): the weight of the row's class, 0 where the label is missing. Or shape (n_samples,
        n_labels): 0 where unknown, scaled so that the mean over the known entries is 1.

    Raises
    ------
    DataError
        When a label has no weight.

    References
    ----------
    For ``per="row"``: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.

    Examples
    --------
    >>> sample_weights(["a", "b", None], {"a": 0.5, "b": 2.0})
    array([0.5, 2. , 0. ])
    >>> sample_weights(np.array([[1, 0], [0, np.nan]]), {0: 4.0, 1: 8.0})
    array([[2. , 0.5],
           [0.5, 0. ]])
    """
    if per not in ("label", "row"):
        raise UsageError(f"per must be 'label' or 'row', not {per!r}")
    _check(weights)
    y = native(y)
    return _matrix_weights(y, weights, per) if is_matrix(y) else _look_up(y, weights, missing=0.0)


def sequence_weights(tags: Any, weights: Mapping[Any, float], pad: Any = None) -> NDArray[np.float64]:
    """Weight of each sequence: the geometric mean of the weights of its tags, whatever its length.

    Parameters
    ----------
    tags : sequence of sequences of tags, or array of shape (n_sequences, length)
    weights : ClassWeights or mapping from tag to weight
    pad : tag or collection of tags, optional
        Padding, left out; missing tags are left out too.

    Returns
    -------
    ndarray of float64, shape (n_sequences,)
        1 (the empty product) for a sequence without tags; 0 where a tag weighs 0.

    Raises
    ------
    DataError
        When a tag has no weight.

    Examples
    --------
    >>> sequence_weights([["PER", "O"], ["O"]], {"PER": 0.1, "O": 0.01}).round(4)
    array([0.0316, 0.01  ])
    """
    _check(weights)
    flat, lengths = flatten(tags)
    padding = {} if pad is None else dict.fromkeys(_collection(pad), np.nan)
    values = _look_up(flat, {**weights, **padding}, missing=np.nan)
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    known = ~np.isnan(values)
    with np.errstate(divide="ignore"):  # a tag of weight 0 makes the sequence's weight 0, as the product does
        logs = np.log(values[known])
    sums = np.bincount(sequence[known], weights=logs, minlength=len(lengths))
    numbers = np.bincount(sequence[known], minlength=len(lengths))
    mean: NDArray[np.float64] = np.exp(sums / np.maximum(numbers, 1))
    return mean


def _matrix_weights(Y: Any, weights: Mapping[Any, float], per: str) -> NDArray[np.float64]:
    names = label_names(Y)
    matrix = as_multilabel(Y)
    known, positive = ~np.isnan(matrix), matrix == 1
    by_label = _of_columns(names, matrix.shape[1], weights)
    if per == "label":
        entries = np.where(positive, by_label, 1.0)
    else:
        rows = np.where(positive.any(axis=1), positive @ by_label, 1.0)
        entries = np.repeat(rows[:, None], matrix.shape[1], axis=1)
    entries[~known] = 0.0
    total = entries.sum()
    return entries * (known.sum() / total) if total > 0 else entries


def _of_columns(names: tuple[Hashable, ...] | None, n_labels: int, weights: Mapping[Any, float]) -> NDArray[np.float64]:
    if names is None:
        names = tuple(range(n_labels))
        # A plain matrix has no names; class weights do have an order, and it is that of the columns counted.
        if isinstance(weights, ClassWeights) and not set(names) <= set(weights):
            if len(weights) != n_labels:
                raise DataError(f"the matrix has {n_labels} columns, but there are {len(weights)} class weights")
            return weights.as_array()
    return np.array([_weight_of(name, weights) for name in names], dtype=np.float64)


def _look_up(y: Any, weights: Mapping[Any, float], missing: float) -> NDArray[np.float64]:
    encoded = encode_labels(y)
    # One entry more than there are classes: code -1 (missing) picks the last one.
    table = np.array([*(_weight_of(name, weights) for name in encoded.classes), missing], dtype=np.float64)
    return table[encoded.codes]


def _weight_of(name: Any, weights: Mapping[Any, float]) -> float:
    try:
        return float(weights[name])
    except KeyError:
        known = ", ".join(repr(key) for key in list(weights)[:10])
        raise DataError(f"label {name!r} has no weight; there are weights for {known or 'no label'}") from None


def _check(weights: Any) -> None:
    if not isinstance(weights, Mapping):
        raise UsageError(
            f"weights must be ClassWeights or a mapping from class to weight, not a {type(weights).__name__}"
        )
    for name, weight in weights.items():
        if not isinstance(weight, (int, float, np.number)) or not 0 <= weight < np.inf:
            raise UsageError(f"weight of {name!r} must be finite and not below 0, not {weight!r}")


def _collection(pad: Any) -> Any:
    return [pad] if isinstance(pad, (str, bytes)) or not hasattr(pad, "__iter__") else pad
