"""Weight of the positives of each label, for binary losses."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.counts import LabelCounts, count_labels
from steelyard.errors import DataError
from steelyard.labels import as_multilabel, is_matrix, native


def pos_weights(Y: Any) -> NDArray[np.float64]:
    """Negatives over positives of each label, the ``pos_weight`` of ``BCEWithLogitsLoss``.

    Parameters
    ----------
    Y : matrix of shape (n_samples, n_labels), or its LabelCounts
        Entries 0, 1 or NaN (unknown, not counted).

    Returns
    -------
    ndarray of float64, shape (n_labels,)
        A side without rows is taken to have one: a label without positives gets the number of its negatives.

    Raises
    ------
    DataError
        When ``Y`` is not a multi-label matrix.

    Warns
    -----
    UserWarning
        When a label has no positives, or no negatives.

    Examples
    --------
    >>> pos_weights(np.array([[1]] * 100 + [[0]] * 300))
    array([3.])
    """
    Y = native(Y)
    if isinstance(Y, LabelCounts):
        counted = Y
    else:
        counted = count_labels(Y if is_matrix(Y) else as_multilabel(Y))
    negatives = counted.negatives
    if negatives is None:
        raise DataError("pos_weights needs a multi-label matrix: these are the counts of one label a row")
    for side, numbers in (("positives", counted.counts), ("negatives", negatives)):
        if names := [repr(name) for name, number in zip(counted.classes, numbers, strict=True) if number == 0]:
            warnings.warn(
                f"labels without {side}, taken to have one: {', '.join(names[:10])}",
                UserWarning,
                stacklevel=2,
            )
    weights: NDArray[np.float64] = np.maximum(negatives, 1) / np.maximum(counted.counts, 1)
    return weights
