"""Gradient-boosted trees: LightGBM where it is installed, else scikit-learn's."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from steelyard.component import component
from steelyard.errors import MissingExtraError, UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._lightgbm import FittedLightGBM, hessian_factor, train
from steelyard.models._margins import MarginLoss
from steelyard.models._sklearn import FittedSklearn
from steelyard.searched import Range, declared


@cache
def has_lightgbm() -> bool:
    """Whether LightGBM can be used; its wheel also needs the system's OpenMP library."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


@component
class Boosting(Model):
    """Gradient-boosted trees on ordinal codes, with missing values and categories handled by the trees.

    LightGBM when the ``boost`` extra is installed, otherwise scikit-learn's histogram gradient boosting; the two
    grow the same kind of trees, not the same trees. LightGBM takes any loss of the loss slot, scikit-learn's only
    cross-entropy.

    Parameters
    ----------
    n_estimators : int, default 100
        Rounds of boosting (trees for each class).
    learning_rate : float, default 0.1
    num_leaves : int, default 31
        Largest number of leaves of a tree.
    min_child_samples : int, default 20
        Smallest number of training rows in a leaf.
    reg_lambda : float, default 0
        L2 penalty on the leaves.
    colsample_bytree : float, default 1
        Share of the columns each tree (scikit-learn's: each split) may use.
    subsample : float, default 1
        Share of the rows each round sees, drawn anew; LightGBM only, scikit-learn's takes all.
    max_bin : int, default 255
        Steps a column is cut into; fewer are faster on small tables.
    onehot : bool, default False
        See categories as 0/1 columns and numbers standardised, as ``linear`` does. Codes are for large tables:
        LightGBM splits them only where a group has a hundred rows.

    Raises
    ------
    UsageError
        When a parameter is outside its range.
    """

    name = "boosting"
    ranges = declared(
        learning_rate=Range(0.02, 0.3, "log"),
        num_leaves=Range(4, 128, "log", whole=True),
        min_child_samples=Range(2, 100, "log", whole=True),
    )

    n_estimators: int = 100
    learning_rate: float = 0.1
    num_leaves: int = 31
    min_child_samples: int = 20
    reg_lambda: float = 0.0
    colsample_bytree: float = 1.0
    subsample: float = 1.0
    max_bin: int = 255
    onehot: bool = False

    @property
    def encoding(self) -> Encoding:  # type: ignore[override]  # it depends on a parameter here
        """Encoding of the rows: category codes, unless asked otherwise."""
        return "onehot" if self.onehot else "ordinal"

    def __post_init__(self) -> None:
        least = {"n_estimators": 1, "num_leaves": 2, "min_child_samples": 1, "max_bin": 2}
        for key, low in least.items():
            if not isinstance(getattr(self, key), int) or getattr(self, key) < low:
                raise UsageError(
                    f"boosting: {key} must be a whole number of at least {low}, not {getattr(self, key)!r}"
                )
        if not self.learning_rate > 0:
            raise UsageError(f"boosting: learning_rate must be positive, not {self.learning_rate}")
        if not 0 < self.colsample_bytree <= 1 or not 0 < self.subsample <= 1 or not self.reg_lambda >= 0:
            raise UsageError("boosting: colsample_bytree and subsample are above 0, at most 1; reg_lambda at least 0")

    @property
    def any_loss(self) -> bool:  # type: ignore[override]  # it depends on what is installed
        """Whether it can minimise any loss of the loss slot."""
        return has_lightgbm()

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        return self._fit_lightgbm(task) if has_lightgbm() else self._fit_sklearn(task)

    def _fit_lightgbm(self, task: FitTask) -> FittedModel:
        present, codes = np.unique(task.codes, return_inverse=True)
        parameters: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_child_samples,
            "seed": task.seed,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        optional = {
            "lambda_l2": (self.reg_lambda, 0.0),
            "feature_fraction": (self.colsample_bytree, 1.0),
            "bagging_fraction": (self.subsample, 1.0),
            "max_bin": (self.max_bin, 255),
        }
        parameters |= {key: value for key, (value, neutral) in optional.items() if value != neutral}
        if self.subsample < 1:
            parameters["bagging_freq"] = 1
        booster = train(
            task.X,
            codes,
            task.sample_weight,
            len(present),
            parameters,
            self.n_estimators,
            loss=MarginLoss.of_rows(task.loss, codes, task.sample_weight, hessian_factor(len(present))),
            categorical=np.flatnonzero(task.categorical).tolist(),
            keep=True,
        )
        return FittedLightGBM(booster, present, task.n_classes)

    def _fit_sklearn(self, task: FitTask) -> FittedModel:
        if task.loss != CrossEntropyLoss():
            raise MissingExtraError("boost", f"the loss {task.loss} on boosting")
        from sklearn.ensemble import HistGradientBoostingClassifier

        estimator = HistGradientBoostingClassifier(
            max_iter=self.n_estimators,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.num_leaves,
            min_samples_leaf=self.min_child_samples,
            l2_regularization=self.reg_lambda,
            max_features=self.colsample_bytree,
            max_bins=min(self.max_bin, 255),
            categorical_features=task.categorical if task.categorical.any() else None,
            early_stopping=False,
            random_state=task.seed,
        )
        estimator.fit(task.X, task.codes, sample_weight=task.sample_weight)
        return FittedSklearn(estimator, task.n_classes)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        if state.foreign is not None:
            return FittedSklearn(state.foreign, int(state.meta["n_classes"]))
        if not has_lightgbm():
            raise MissingExtraError("boost", "this model was trained by LightGBM and")
        return FittedLightGBM.from_state(state)
