"""From labels to counts per class, and from those to the four numbers a report shows of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.metrics._base import Array, ratio


def class_counts(
    codes: NDArray[np.integer],
    predicted: NDArray[np.integer],
    n_classes: int,
    weights: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Hits, predictions and rows of each class.

    Parameters
    ----------
    codes, predicted : ndarray of int, shape (n_samples,)
        True and predicted class, in ``range(n_classes)``.
    n_classes : int
        Number of classes.
    weights : ndarray of shape (n_samples,) or (n_resamples, n_samples), optional
        Weights of the rows.

    Returns
    -------
    hits, predicted, actual : ndarray of float64, shape (n_classes,) or (n_resamples, n_classes)

    Examples
    --------
    >>> hits, predicted, actual = class_counts(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    >>> hits.tolist(), predicted.tolist(), actual.tolist()
    ([1.0, 1.0, 0.0], [1.0, 2.0, 0.0], [2.0, 1.0, 0.0])
    """
    codes, predicted = np.asarray(codes), np.asarray(predicted)
    right = np.flatnonzero(codes == predicted)
    if weights is None or np.ndim(weights) == 1:
        given = None if weights is None else np.asarray(weights, dtype=np.float64)

        def count(values: NDArray[np.integer], chosen: Array | None) -> Array:
            return np.bincount(values, weights=chosen, minlength=n_classes).astype(np.float64)

        return (
            count(codes[right], None if given is None else given[right]),
            count(predicted, given),
            count(codes, given),
        )
    lines = np.asarray(weights, dtype=np.float64)
    return (
        class_sums(lines[:, right], codes[right], n_classes),
        class_sums(lines, predicted, n_classes),
        class_sums(lines, codes, n_classes),
    )


def label_counts(
    Y: Array, predicted: NDArray[np.integer], weights: NDArray[np.floating] | None = None
) -> tuple[Array, Array, Array, Array]:
    """Hits, predictions, rows, and known rows of each label where a row may have several.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_labels)
        1, 0, or NaN where not known; only known entries are counted.
    predicted : ndarray of int, shape (n_samples, n_labels)
        1 and 0.
    weights : ndarray of shape (n_samples,) or (n_resamples, n_samples), optional
        Weights of the rows. Sums are formed in their precision: whole numbers of float32 are exact up to 2^24.

    Returns
    -------
    hits, predicted, actual, known : ndarray of float64, shape (n_labels,) or (n_resamples, n_labels)

    Examples
    --------
    >>> Y = np.array([[1.0, 0.0], [1.0, np.nan]])
    >>> [part.tolist() for part in label_counts(Y, np.array([[1, 1], [0, 1]]))]
    [[1.0, 0.0], [1.0, 1.0], [2.0, 0.0], [2.0, 1.0]]
    """
    known, has, named = ~np.isnan(Y), Y == 1, np.asarray(predicted) == 1
    parts = (has & named, named & known, has, known)
    if weights is None:
        once = label_counts(Y, predicted, np.ones((1, len(known))))
        return once[0][0], once[1][0], once[2][0], once[3][0]
    lines = np.asarray(weights)
    sums = [(lines @ part.astype(lines.dtype)).astype(np.float64) for part in parts[:3]]
    if known.all():
        # The commonest case costs no product.
        whole = np.broadcast_to(lines.sum(axis=-1, dtype=np.float64)[..., None], sums[0].shape)
    else:
        whole = (lines @ known.astype(lines.dtype)).astype(np.float64)
    return sums[0], sums[1], sums[2], whole


def class_sums(lines: Array, values: NDArray[np.integer], n_classes: int) -> Array:
    """Sums of each line of weights over the rows of each class, of shape (n_resamples, n_classes)."""
    sums = np.zeros((len(lines), n_classes))
    if len(values):
        order = np.argsort(values, kind="stable")
        found, starts = np.unique(values[order], return_index=True)
        # Blocks of resamples keep the reordered copy small.
        step = max(1, 4_000_000 // len(values))
        for start in range(0, len(lines), step):
            block = slice(start, start + step)
            sums[block, found] = np.add.reduceat(lines[block][:, order], starts, axis=1)
    return sums


def per_class(hits: Array, predicted: Array, actual: Array, beta: float = 0.5) -> dict[str, Array]:
    """Precision, recall, F1 and F-beta of each class; 0 where undefined, as with ``zero_division=0``.

    Parameters
    ----------
    hits, predicted, actual : ndarray of shape (..., n_classes)
        From :func:`class_counts`.
    beta : float
        Weight of recall in ``f_beta``.

    Returns
    -------
    dict of str to ndarray of shape (..., n_classes)
        ``precision``, ``recall``, ``f1``, ``f_beta``.

    Examples
    --------
    >>> found = per_class(np.array([1.0, 1.0]), np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    >>> found["precision"].tolist(), found["recall"].tolist()
    ([1.0, 0.5], [0.5, 1.0])
    """
    squared = float(beta) ** 2
    return {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, actual),
        "f1": ratio(2.0 * hits, np.add(predicted, actual)),
        "f_beta": ratio((1.0 + squared) * hits, np.add(squared * actual, predicted)),
    }
