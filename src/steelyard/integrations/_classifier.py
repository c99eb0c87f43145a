"""What the classifiers for LightGBM and XGBoost share."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from steelyard.component import Component
from steelyard.errors import ArtifactError, DataError
from steelyard.integrations._objective import training_strategy
from steelyard.losses import CrossEntropyLoss, Loss
from steelyard.models._margins import MarginLoss, probabilities_of
from steelyard.strategy import Strategy
from steelyard.weighting import Weighting

Array = NDArray[np.float64]


class TreeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base of the classifiers: labels to codes, weights, probabilities, and files with class names in them."""

    strategy: str | Strategy
    hessian_floor: float
    random_state: Any
    n_jobs: int | None
    #: Versioned name of what is written beside the trees.
    note_name: ClassVar[str]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Parameters
        ----------
        X : array, data frame of numbers or sparse matrix, of shape (n_rows, n_columns)
            NaN is missing.
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
            Multiplied with the strategy's class weights.
        """
        strategy = training_strategy(self.strategy)
        X, y = validate_data(self, X, y, accept_sparse=["csr", "csc"], dtype=np.float64, ensure_all_finite="allow-nan")
        check_classification_targets(y)
        given = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(f"y has one class only, {self.classes_[0]!r}; two or more are needed")
        assert isinstance(strategy.weighting, Weighting)
        assert isinstance(strategy.loss, Loss)
        # A row of weight 2 counts as two rows do.
        counts = np.bincount(codes, weights=given).astype(np.float64)
        weight = given * strategy.weighting.values(tuple(self.classes_.tolist()), counts)[codes]
        loss = None
        if strategy.loss != CrossEntropyLoss():
            mass = np.bincount(codes, weights=weight).astype(np.float64)
            loss = MarginLoss(strategy.loss, counts, mass, self._factor(len(counts)), self.hessian_floor)
        self.booster_ = self._train(X, codes, weight, len(counts), loss)
        return self

    def predict_proba(self, X: Any) -> Array:
        """Probabilities, shape (n_rows, n_classes), in the order of ``classes_``."""
        check_is_fitted(self)
        X = validate_data(
            self, X, reset=False, accept_sparse=["csr", "csc"], dtype=np.float64, ensure_all_finite="allow-nan"
        )
        return probabilities_of(self._margins(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class of each row, shape (n_rows,)."""
        proba = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[proba.argmax(axis=1)]
        return labels

    def with_loss(self, loss: Component) -> Self:
        """Unfitted copy that minimises another loss of the loss slot; what a ``StrategyClassifier`` asks for."""
        copy: Self = clone(self)
        copy.set_params(strategy=training_strategy(self.strategy).replace(loss=loss))
        return copy

    def _factor(self, n_classes: int) -> float:
        raise NotImplementedError

    def _train(self, X: Any, codes: NDArray[np.int64], weight: Array, n_classes: int, loss: MarginLoss | None) -> Any:
        raise NotImplementedError

    def _margins(self, X: Any) -> Array:
        raise NotImplementedError

    def _seed(self) -> int:
        return 0 if self.random_state is None else int(check_random_state(self.random_state).randint(2**31 - 1))

    def _note(self) -> str:
        """What a file holds beside the trees, as one line of JSON."""
        names = getattr(self, "feature_names_in_", None)
        return json.dumps(
            {
                "name": self.note_name,
                "classes": self.classes_.tolist(),
                "columns": self.n_features_in_ if names is None else names.tolist(),
                "strategy": str(training_strategy(self.strategy)),
            },
            allow_nan=False,
        )

    @classmethod
    def _from_note(cls, note: str | None, booster: Any, path: Any) -> Self:
        try:
            saved = json.loads(note or "null")
            if not isinstance(saved, dict) or saved.get("name") != cls.note_name:
                raise ArtifactError(f"{path} has no {cls.note_name} note: it was not saved by {cls.__name__}")
            made = cls(strategy=saved["strategy"])
            made.classes_, columns = np.array(saved["classes"]), saved["columns"]
            if not isinstance(columns, int):
                made.feature_names_in_ = np.array(columns, dtype=object)
            made.n_features_in_ = columns if isinstance(columns, int) else len(columns)
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"the {cls.note_name} note in {path} is damaged: {error}") from None
        made.booster_ = booster
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags
