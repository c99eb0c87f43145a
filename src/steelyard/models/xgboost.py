"""Gradient-boosted trees by XGBoost."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import MissingExtraError, UsageError
from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._margins import MarginLoss
from steelyard.models._xgboost import HESSIAN_FACTOR, FittedXgboost, train
from steelyard.searched import Range, declared


@cache
def has_xgboost() -> bool:
    """Whether XGBoost can be used; its wheel may also need the system's OpenMP library."""
    try:
        import xgboost  # noqa: F401
    except Exception:  # a library that cannot be loaded raises an error of XGBoost's own
        return False
    return True


@component
class Xgboost(Model):
    """Gradient-boosted trees (XGBoost's) on ordinal codes, with missing values and categories handled by the trees.

    Takes any loss of the loss slot. It needs the extra ``boost``.

    Parameters
    ----------
    n_estimators : int, default 100
        Rounds of boosting (trees for each class).
    learning_rate : float, default 0.3
    max_depth : int, default 6
        Largest depth of a tree.
    min_child_weight : float, default 1
        Smallest sum of second derivatives in a leaf.

    Raises
    ------
    UsageError
        When a parameter is not positive (``min_child_weight`` may be 0).
    """

    name = "xgboost"
    ranges = declared(
        learning_rate=Range(0.03, 0.6, "log"),
        max_depth=Range(2, 10, whole=True),
        min_child_weight=Range(0.3, 20, "log"),
    )
    encoding: ClassVar[Encoding] = "ordinal"
    any_loss: ClassVar[bool] = True
    requires: ClassVar[tuple[str, str] | None] = ("xgboost", "boost")

    n_estimators: int = 100
    learning_rate: float = 0.3
    max_depth: int = 6
    min_child_weight: float = 1.0

    def __post_init__(self) -> None:
        for key in ("n_estimators", "max_depth"):
            if not isinstance(getattr(self, key), int) or getattr(self, key) < 1:
                raise UsageError(f"xgboost: {key} must be a positive whole number, not {getattr(self, key)!r}")
        if not self.learning_rate > 0 or not self.min_child_weight >= 0:
            raise UsageError(
                f"xgboost: learning_rate must be positive and min_child_weight not below 0, not "
                f"{self.learning_rate} and {self.min_child_weight}"
            )

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        if not has_xgboost():
            raise MissingExtraError("boost", "xgboost")
        present, codes = np.unique(task.codes, return_inverse=True)
        parameters: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "tree_method": "hist",
            "seed": task.seed % 2**31,
            "nthread": 1,
            "verbosity": 0,
        }
        booster = train(
            task.X,
            codes,
            task.sample_weight,
            len(present),
            parameters,
            self.n_estimators,
            loss=MarginLoss.of_rows(task.loss, codes, task.sample_weight, HESSIAN_FACTOR),
            categorical=task.categorical,
        )
        return FittedXgboost(bytes(booster.save_raw("ubj")), present, task.n_classes)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        if not has_xgboost():
            raise MissingExtraError("boost", "this model was trained by XGBoost and")
        return FittedXgboost(state.arrays["booster"].tobytes(), state.arrays["present"], int(state.meta["n_classes"]))
