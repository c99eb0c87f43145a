"""Average precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.metrics._base import Array, ScoreMetric, ratio
from steelyard.metrics._ranking import one_versus_rest


@component
class AveragePrecision(ScoreMetric):
    """Average precision (area under the precision-recall curve), mean over the classes that have rows.

    With two classes it is the mean of both, not the second class's alone: "which class is positive" is no
    part of a study. The sum of ``(recall_i - recall_{i-1}) precision_i`` over distinct scores. NaN when all
    rows are of one class, where it says nothing. Each class's is ``sklearn.metrics.average_precision_score``.

    Examples
    --------
    >>> import numpy as np
    >>> proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    >>> round(AveragePrecision().from_scores(np.array([0, 0, 1, 1]), proba), 6)
    0.833333
    """

    name = "average_precision"
    title = "average precision"

    def from_scores(self, codes: NDArray[np.integer], proba: Array, weights: Array | None = None) -> Array | float:
        """Average precision, one per line of weights."""
        return one_versus_rest(codes, proba, weights, np.unique(codes), _average)

    def of_label(self, codes: NDArray[np.integer], score: Array, weights: Array | None) -> Array | float:
        """Average precision of a label's own rows; those without it are no class here."""
        return one_versus_rest(codes, np.column_stack([1.0 - score, score]), weights, np.array([1]), _average)


def _average(hit: Array, tied: Array, above: Array, whole: Array, other: Array) -> Array:
    average: Array = np.einsum("gb,gb->b", hit, ratio(np.cumsum(hit, axis=0), above)) / whole
    return average
