"""Random forest."""

from __future__ import annotations

from typing import ClassVar

from steelyard.component import component
from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._sklearn import FittedSklearn
from steelyard.models._trees import FittedTrees, check_whole_numbers, grow_trees
from steelyard.searched import Range, declared


@component
class Forest(Model):
    """Random forest (Breiman 2001) on standardised and one-hot columns.

    Each tree is grown on as many rows as there are, drawn with replacement, until its leaves are pure; at each split
    it tries as many columns as the root of their number.

    Parameters
    ----------
    n_estimators : int, default 100
        Number of trees.
    min_samples_leaf : int, default 1
        Smallest number of different training rows in a leaf.

    Raises
    ------
    UsageError
        When a parameter is not a positive whole number.
    """

    name = "forest"
    ranges = declared(min_samples_leaf=Range(1, 20, "log", whole=True))
    encoding: ClassVar[Encoding] = "onehot"

    n_estimators: int = 100
    min_samples_leaf: int = 1

    def __post_init__(self) -> None:
        check_whole_numbers("forest", **self.params())

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        n_rows = len(task.codes)
        return grow_trees(
            task,
            self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            draw=lambda rng: rng.integers(n_rows, size=n_rows),
        )

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state; forests saved by release 0.1 hold scikit-learn's trees."""
        if state.foreign is not None:
            return FittedSklearn(state.foreign, int(state.meta["n_classes"]))
        return FittedTrees.from_state(state)
