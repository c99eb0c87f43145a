"""XGBoost: training with its own objective or any loss, and what a trained one is to Steelyard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.models._base import Array, ModelState, spread
from steelyard.models._margins import Codes, MarginLoss, probabilities_of

#: What XGBoost multiplies the second derivatives of its softmax objective by.
HESSIAN_FACTOR = 2.0


def train(
    X: Any,
    codes: Codes,
    weight: Array,
    n_classes: int,
    parameters: dict[str, Any],
    rounds: int,
    *,
    loss: MarginLoss | None = None,
    categorical: NDArray[np.bool_] | None = None,
) -> Any:
    """Trained ``xgboost.Booster``, whose margins include the start.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_rows, n_columns)
    codes : ndarray of shape (n_rows,)
        From 0 to ``n_classes - 1``.
    weight : ndarray of shape (n_rows,)
    n_classes : int
    parameters : dict
        XGBoost's, without objective, number of classes and base score.
    rounds : int
    loss : MarginLoss, optional
        By default cross-entropy, by XGBoost's own objective.
    categorical : ndarray of bool, shape (n_columns,), optional
        Which columns hold categories.
    """
    import xgboost

    # The objective's name stays beside a function: from it XGBoost knows the link from margins to probabilities.
    named = {"objective": "binary:logistic"} if n_classes == 2 else {"objective": "multi:softprob"}
    parameters = {**parameters, **named}
    if n_classes > 2:
        parameters["num_class"] = n_classes
    types = None if categorical is None else ["c" if is_category else "q" for is_category in categorical]
    rows = xgboost.DMatrix(
        X,
        codes,
        weight=weight,
        feature_types=types,
        enable_categorical=types is not None,
        nthread=parameters.get("nthread"),
    )
    if loss is None:
        return xgboost.train(parameters, rows, rounds)

    def objective(margins: Array, matrix: Any) -> tuple[Array, Array]:
        return loss.derivatives(np.asarray(margins, dtype=np.float64), codes, weight)

    return xgboost.train({**parameters, "base_score": base_score(loss.start)}, rows, rounds, obj=objective)


def base_score(start: Array) -> float | list[float]:
    """Start as XGBoost takes it: a probability for two classes, margins for more."""
    if len(start) == 1:
        return float(1.0 / (1.0 + np.exp(-start[0])))
    # Only differences matter, and centred numbers lose fewer digits in XGBoost's 32 bits.
    centred: list[float] = (start - start.mean()).tolist()
    return centred


@dataclass(frozen=True)
class FittedXgboost:
    """An XGBoost model in its own binary JSON format (UBJ), which is also how it is saved."""

    content: bytes
    present: NDArray[np.int64]
    n_classes: int

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        import xgboost

        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(self.content))
        types = booster.feature_types
        rows = xgboost.DMatrix(X, feature_types=types, enable_categorical=types is not None, nthread=1)
        margins = booster.predict(rows, output_margin=True)
        return spread(probabilities_of(margins), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        as_bytes = np.frombuffer(self.content, dtype=np.uint8)
        return ModelState({"n_classes": self.n_classes}, {"booster": as_bytes, "present": self.present})
