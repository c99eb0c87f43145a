"""Balanced random forest: every tree sees as many rows of each class."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.models._base import Array, Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._trees import FittedTrees, check_whole_numbers, grow_trees
from steelyard.searched import Range, declared


@component
class BalancedForest(Model):
    """Balanced random forest (Chen, Liaw, Breiman 2004): each tree is grown on as many rows of each class.

    For each tree, every class gives as many rows, drawn with replacement, as the rarest class has. It is
    under-bagging: no tree sees many common rows, all trees together see most of them. A class that weighs more than
    the others gives as many times more rows; within a class, heavier rows are drawn more often.

    Parameters
    ----------
    n_estimators : int, default 200
        Number of trees.
    min_samples_leaf : int, default 1
        Smallest number of drawn rows in a leaf.

    Raises
    ------
    UsageError
        When a parameter is not a positive whole number.
    """

    name = "balanced_forest"
    ranges = declared(min_samples_leaf=Range(1, 20, "log", whole=True))
    encoding: ClassVar[Encoding] = "onehot"

    n_estimators: int = 200
    min_samples_leaf: int = 1

    def __post_init__(self) -> None:
        check_whole_numbers("balanced_forest", **self.params())

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        _, codes = np.unique(task.codes, return_inverse=True)
        drawer = _Drawer(codes, task.sample_weight)
        # Weights act through the drawing alone.
        even = replace(task, sample_weight=np.ones(len(codes)))
        return grow_trees(even, self.n_estimators, min_samples_leaf=self.min_samples_leaf, draw=drawer.draw)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        return FittedTrees.from_state(state)


class _Drawer:
    """Rows of each class drawn with replacement, as many as the rarest class has times the class's mean weight."""

    def __init__(self, codes: NDArray[np.int64], weight: Array) -> None:
        self.rows = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
        heaviness = np.array([weight[rows].mean() for rows in self.rows])
        fewest = min(map(len, self.rows))
        self.sizes = np.maximum(1, np.rint(fewest * heaviness / heaviness.mean())).astype(np.int64)
        self.chances = [None if np.ptp(weight[rows]) == 0 else weight[rows] / weight[rows].sum() for rows in self.rows]

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        drawn = [
            rows[rng.integers(len(rows), size=size)] if p is None else rng.choice(rows, size=size, p=p)
            for rows, size, p in zip(self.rows, self.sizes, self.chances, strict=True)
        ]
        return np.concatenate(drawn)
