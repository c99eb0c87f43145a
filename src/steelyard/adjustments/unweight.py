"""Probabilities put right after weighted training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steelyard.adjustments._base import Adjustment, Array, ClassFactors, LabelFactors, by_class
from steelyard.component import FrozenMap, component
from steelyard.errors import UsageError


@component
class Unweight(Adjustment):
    """Divides by the class weights of training, which had tilted the probabilities.

    Minimising a loss weighted by w makes a model's probabilities proportional to ``w_k P(k | x)`` (Elkan
    2001, "The foundations of cost-sensitive learning"); ``p_k / w_k`` with rows that sum to 1 is ``P(k | x)``
    again.

    Parameters
    ----------
    weights : mapping of class to weight, ClassWeights, or sequence of float, optional
        Weights to divide by. None takes those the model was trained with.

    Raises
    ------
    UsageError
        When weights are not above 0, or (on binding) not one per class.

    Examples
    --------
    >>> bound = Unweight().bind(priors=np.array([0.8, 0.2]), weights=np.array([1.0, 4.0]))
    >>> bound.transform(np.array([[0.5, 0.5]])).tolist()
    [[0.8, 0.2]]
    """

    weights: Any = None

    name = "unweight"

    def __post_init__(self) -> None:
        given: Any = self.weights
        if given is None:
            return
        if hasattr(given, "as_dict"):
            given = given.as_dict()
        if isinstance(given, Mapping):
            given = FrozenMap({key: float(value) for key, value in given.items()})
            values = np.array(list(given.values()))
        else:
            values = np.asarray(given, dtype=np.float64)
            given = tuple(values.ravel().tolist())
        if values.ndim != 1 or not values.size or not np.isfinite(values).all() or (values <= 0).any():
            raise UsageError("unweight: weights must be one finite number above 0 for each class")
        object.__setattr__(self, "weights", given)

    def bind(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> ClassFactors:
        """Factors ``1 / weight``."""
        used = self._used(priors, weights, classes)
        return ClassFactors(tuple(used.min() / used))

    def bind_labels(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> LabelFactors:
        """Odds of each label over its weight."""
        return LabelFactors(tuple(1.0 / self._used(priors, weights, classes)))

    def _used(self, priors: Array, weights: Array, classes: Sequence[Any]) -> Array:
        if self.weights is None:
            used = np.asarray(weights, dtype=np.float64)
        elif isinstance(self.weights, Mapping):
            used = by_class(self.weights, classes, "unweight")
        else:
            used = np.asarray(self.weights, dtype=np.float64)
        if used.shape != np.shape(priors):
            raise UsageError(f"unweight: {len(used)} weights for {len(priors)} classes; give one for each class")
        if not np.isfinite(used).all() or (used <= 0).any():
            raise UsageError("unweight: the training weights must be finite and above 0 to be divided by")
        return used
