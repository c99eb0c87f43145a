"""Mean cost of the predictions under a cost matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import FrozenMap, component
from steelyard.errors import UsageError
from steelyard.metrics._base import Array, PairMetric


@component
class MeanCost(PairMetric):
    """What a row costs on average, ``mean(matrix[true, predicted])``; less is better.

    Parameters
    ----------
    matrix : array-like of shape (n_classes, n_classes), or mapping of true class to predicted class to cost, optional
        In any unit; negative entries are benefits. In a mapping what is not named costs 0 where it is right, and
        must be named where it is wrong. Left out, every mistake costs 1.

    Raises
    ------
    UsageError
        When it is not square or not finite, or does not fit the classes.

    Examples
    --------
    >>> costs = MeanCost([[0, 1], [5, 0]])
    >>> costs.from_pairs(np.array([0, 1, 1]), np.array([1, 1, 0])).tolist()
    [1.0, 0.0, 5.0]
    >>> str(MeanCost({"sick": {"well": 5}, "well": {"sick": 1}}).for_classes(["sick", "well"]))
    'cost(matrix=[[0, 5], [1, 0]])'
    """

    matrix: Any = None

    name = "cost"
    shown = ("matrix",)
    title = "mean cost"
    greater_is_better: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.matrix is None:
            return
        if isinstance(self.matrix, Mapping):
            rows = {true: FrozenMap(row) for true, row in self.matrix.items() if isinstance(row, Mapping)}
            if len(rows) < len(self.matrix):
                raise UsageError("cost: give for each true class a mapping of predicted class to cost")
            object.__setattr__(self, "matrix", FrozenMap(rows))
            return
        try:
            matrix = np.array(self.matrix, dtype=np.float64)
        except (TypeError, ValueError):
            matrix = np.zeros(0)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2 or not np.isfinite(matrix).all():
            raise UsageError(
                "cost: the matrix needs a row and a column of finite numbers per class: cost([[0, 1], [5, 0]])"
            )
        object.__setattr__(self, "matrix", tuple(tuple(row) for row in matrix.tolist()))

    def for_classes(self, classes: Sequence[object]) -> MeanCost:
        """The metric with its costs in the order of the classes."""
        names = [str(name) for name in classes]
        if self.matrix is None:
            return MeanCost(1.0 - np.eye(len(names)))
        if not isinstance(self.matrix, Mapping):
            if len(self.matrix) != len(names):
                raise UsageError(f"cost: the matrix is for {len(self.matrix)} classes, and there are {len(names)}")
            return self
        named = {*self.matrix, *(predicted for row in self.matrix.values() for predicted in row)}
        if unknown := sorted(named - set(names)):
            raise UsageError(f"cost: there is no class {unknown[0]!r}; there are {', '.join(map(repr, names[:20]))}")
        made = np.zeros((len(names), len(names)))
        for i, true in enumerate(names):
            for j, predicted in enumerate(names):
                cost = self.matrix.get(true, {}).get(predicted, 0.0 if i == j else None)
                if cost is None:
                    raise UsageError(f"cost: nothing is said of what it costs to predict {predicted!r} for {true!r}")
                made[i, j] = float(cost)
        return MeanCost(made)

    def from_pairs(self, codes: NDArray[np.integer], predicted: NDArray[np.integer]) -> Array:
        """Cost of each row."""
        if self.matrix is None:
            return np.asarray(codes != predicted, dtype=np.float64)
        costs: Array = np.array(self.matrix)[codes, predicted]
        return costs
