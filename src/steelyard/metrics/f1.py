"""F1 of one class."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.metrics._base import Array, CountMetric, ratio


@component
class F1(CountMetric):
    """F1 of the positive class, where there are two classes.

    For more classes there is no one positive class: use ``macro_f1``.
    Equal to ``sklearn.metrics.f1_score(pos_label=positive, zero_division=0)``.

    Parameters
    ----------
    positive : int, optional
        Code of the positive class. None takes the one with fewer rows (the second when both have as many); a
        resample of nearly even classes may then swap them, so whoever resamples should fix it.

    Raises
    ------
    UsageError
        When scored on other than two classes.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([9.0, 1.0]), np.array([8.0, 2.0])
    >>> round(float(F1().from_counts(hits, predicted, actual, 10)), 6)
    0.666667
    """

    positive: int | None = None

    name = "f1"
    title = "F1 of the positive class"
    decomposable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.positive not in (None, 0, 1):
            raise UsageError(f"f1: positive must be the code 0 or 1, not {self.positive!r}")

    def from_counts(self, hits: Array, predicted: Array, actual: Array, total: Array | float) -> Array:
        """F1 of the positive class; 0 where it was neither there nor predicted."""
        hits, predicted, actual = np.broadcast_arrays(hits, predicted, actual)
        if hits.shape[-1] != 2:
            raise UsageError(f"f1 is of one class among two, these data have {hits.shape[-1]}: use macro_f1")
        value = ratio(2.0 * hits, np.add(predicted, actual))
        if self.positive is not None:
            return value[..., self.positive]
        return np.where(actual[..., 0] < actual[..., 1], value[..., 0], value[..., 1])

    def from_label_counts(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Not defined: there is no one positive class among several labels."""
        raise UsageError("f1 is of one class among two, and here a row may have several labels: use macro_f1")

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """F1 of the rows that have the label."""
        return ratio(2.0 * hits, np.add(predicted, actual))
