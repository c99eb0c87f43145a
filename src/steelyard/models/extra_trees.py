"""Extremely randomised trees."""

from __future__ import annotations

from typing import ClassVar

from steelyard.component import component
from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._trees import FittedTrees, check_whole_numbers, grow_trees
from steelyard.searched import Range, declared


@component
class ExtraTrees(Model):
    """Extremely randomised trees (Geurts, Ernst, Wehenkel 2006) on standardised and one-hot columns.

    Cuts are drawn by lot, so that the trees agree less, and their mean is smoother, than a random forest's.

    Parameters
    ----------
    n_estimators : int, default 200
        Number of trees.
    min_samples_leaf : int, default 1
        Smallest number of training rows in a leaf.

    Raises
    ------
    UsageError
        When a parameter is not a positive whole number.
    """

    name = "extra_trees"
    ranges = declared(min_samples_leaf=Range(1, 20, "log", whole=True))
    encoding: ClassVar[Encoding] = "onehot"

    n_estimators: int = 200
    min_samples_leaf: int = 1

    def __post_init__(self) -> None:
        check_whole_numbers("extra_trees", **self.params())

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        return grow_trees(task, self.n_estimators, min_samples_leaf=self.min_samples_leaf, at_random=True)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        return FittedTrees.from_state(state)
