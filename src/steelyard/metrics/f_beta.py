"""Macro F-beta."""

from __future__ import annotations

import math

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.metrics._base import Array, MacroMetric, ratio


@component
class FBeta(MacroMetric):
    """Mean of the F-beta of each class that has rows; beta below 1 favours precision, above 1 recall.

    F-beta of a class is ``(1 + beta^2) hits / (beta^2 actual + predicted)``.
    Equal to ``sklearn.metrics.fbeta_score(labels=present, average="macro", zero_division=0)``.

    Parameters
    ----------
    beta : float
        Weight of recall against precision, above 0.

    Raises
    ------
    UsageError
        When beta is not a finite number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> hits, predicted, actual = np.array([8.0, 1.0]), np.array([8.0, 2.0]), np.array([9.0, 1.0])
    >>> round(float(FBeta().from_counts(hits, predicted, actual, 10)), 6)
    0.765583
    """

    beta: float = 0.5

    name = "f_beta"
    title = "macro F-beta"
    shown = ("beta",)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.beta) and self.beta > 0):
            raise UsageError(f"f_beta: beta must be above 0, not {self.beta}; write f_beta(beta=0.5)")

    def per_class(self, hits: Array, predicted: Array, actual: Array) -> Array:
        """F-beta of each class."""
        squared = float(self.beta) ** 2
        return ratio((1.0 + squared) * hits, np.add(squared * actual, predicted))

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """Sum of fractions; see :meth:`CountMetric.fraction`."""
        squared = float(self.beta) ** 2
        return (1.0 + squared) * self._shares(actual), 1.0, squared * np.asarray(actual, dtype=np.float64)
