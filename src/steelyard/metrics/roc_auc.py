"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, ScoreMetric
from steelyard.metrics._ranking import one_versus_rest


@component
class RocAuc(ScoreMetric):
    """Area under the ROC curve: two classes as scikit-learn has it, more one-versus-rest, mean over classes.

    The chance that a row of the class scores above a row of another; ties count one half. Classes
    without rows are left out of the mean. NaN when all rows are of one class.
    Equal to ``sklearn.metrics.roc_auc_score`` (``multi_class="ovr", average="macro"``).

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    >>> RocAuc().from_scores(np.array([0, 0, 1, 1]), proba)
    0.75
    """

    name = "roc_auc"
    title = "ROC AUC"

    def from_scores(self, codes: NDArray[np.integer], proba: Array, weights: Array | None = None) -> Array | float:
        """Area, one per line of weights."""
        # Both columns of two rank alike up to rounding; scikit-learn takes the second.
        classes = np.array([1]) if np.shape(proba)[1] == 2 else np.unique(codes)
        return one_versus_rest(codes, proba, weights, classes, _area)


def _area(hit: Array, tied: Array, above: Array, whole: Array, other: Array) -> Array:
    miss = tied - hit
    below = other - (above - np.cumsum(hit, axis=0))
    pairs = np.einsum("gb,gb->b", hit, below + 0.5 * miss)
    area: Array = pairs / (whole * other)
    return area
