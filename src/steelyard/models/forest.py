"""Random forest."""

from __future__ import annotations

from typing import ClassVar

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._sklearn import FittedSklearn


@component
class Forest(Model):
    """Random forest (scikit-learn's) on ordinal codes, with missing values handled by the trees.

    Parameters
    ----------
    n_estimators : int, default 100
        Number of trees.
    min_samples_leaf : int, default 1
        Smallest number of training rows in a leaf.

    Raises
    ------
    UsageError
        When a parameter is not a positive whole number.
    """

    name = "forest"
    encoding: ClassVar[Encoding] = "ordinal"

    n_estimators: int = 100
    min_samples_leaf: int = 1

    def __post_init__(self) -> None:
        for key, value in self.params().items():
            if not isinstance(value, int) or value < 1:
                raise UsageError(f"forest: {key} must be a positive whole number, not {value!r}")

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        from sklearn.ensemble import RandomForestClassifier

        estimator = RandomForestClassifier(
            n_estimators=self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            n_jobs=1,
            random_state=task.seed,
        )
        estimator.fit(task.X, task.codes, sample_weight=task.sample_weight)
        return FittedSklearn(estimator, task.n_classes)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        return FittedSklearn(state.foreign, int(state.meta["n_classes"]))
