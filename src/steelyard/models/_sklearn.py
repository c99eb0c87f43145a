"""Any scikit-learn classifier as a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.models._base import Array, Encoding, FitTask, FittedModel, Model, ModelState, spread


@component
class SklearnModel(Model):
    """A scikit-learn classifier handed in from Python, fitted as a clone on one-hot encoded rows.

    Parameters
    ----------
    estimator : classifier
        Has ``fit(X, y, sample_weight=...)`` and ``predict_proba``.
    text : str, optional
        What it is called in arms and reports; by default its ``repr``.
    """

    name = "sklearn"
    encoding: ClassVar[Encoding] = "onehot"

    estimator: Any
    text: str = ""

    def __post_init__(self) -> None:
        if not self.text:
            object.__setattr__(self, "text", " ".join(repr(self.estimator).split()))

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        return {"name": f"{self.name}.v{self.version}", "params": {"text": self.text}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SklearnModel) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def fit(self, task: FitTask) -> FittedModel:
        from sklearn.base import clone

        estimator = clone(self.estimator)
        seeds = {
            key: task.seed
            for key, value in estimator.get_params().items()
            if (key == "random_state" or key.endswith("__random_state")) and value is None
        }
        estimator.set_params(**seeds)
        # Most classifiers take weights; one that does not may still be studied as long as nothing is weighted.
        if np.all(task.sample_weight == task.sample_weight[0]):
            estimator.fit(task.X, task.codes)
        else:
            try:
                estimator.fit(task.X, task.codes, sample_weight=task.sample_weight)
            except TypeError as error:
                if "sample_weight" not in str(error):
                    raise
                raise UsageError(
                    f"{self.text} takes no sample_weight, so it cannot be weighted; "
                    "study it with strategies that leave the weighting alone"
                ) from None
        return FittedSklearn(estimator, task.n_classes)

    def restore(self, state: ModelState) -> FittedModel:
        return FittedSklearn(state.foreign, int(state.meta["n_classes"]))


@dataclass(frozen=True)
class FittedSklearn:
    """A fitted scikit-learn classifier whose labels are class codes."""

    estimator: Any
    n_classes: int

    def predict_proba(self, X: Array) -> Array:
        proba = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        return spread(proba, np.asarray(self.estimator.classes_, dtype=np.int64), self.n_classes)

    def to_state(self) -> ModelState:
        return ModelState({"n_classes": self.n_classes}, foreign=self.estimator)
