"""Macro F1."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.metrics._base import Array, MacroMetric, ratio


@component
class MacroF1(MacroMetric):
    """Mean of the F1 of each class: every class counts the same, however rare.

    F1 of a class is ``2 hits / (predicted + actual)``. A class without rows is left out of the mean;
    predictions of such a class still cost the recall of the classes the rows belong to.
    Equal to ``sklearn.metrics.f1_score(labels=present, average="macro", zero_division=0)``.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(MacroF1().from_counts(hits, predicted, actual, 10)), 6)
    0.803922
    """

    name = "macro_f1"
    title = "macro F1"

    def per_class(self, hits: Array, predicted: Array, actual: Array) -> Array:
        """F1 of each class."""
        return ratio(2.0 * hits, np.add(predicted, actual))

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """Sum of fractions; see :meth:`CountMetric.fraction`."""
        return 2.0 * self._shares(actual), 1.0, np.asarray(actual, dtype=np.float64)
