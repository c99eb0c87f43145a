"""Multinomial logistic regression, for any loss of the loss slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses import BoundLoss
from steelyard.models._base import Array, FitTask, FittedModel, Model, ModelState, spread


@component
class Linear(Model):
    """Linear scores with an L2 penalty: logistic regression when the loss is cross-entropy.

    Minimises ``C * sum(sample_weight * loss) + |coef|^2 / 2`` by L-BFGS, as scikit-learn's
    ``LogisticRegression`` does; two classes share one column of coefficients, the intercept is free.

    Parameters
    ----------
    C : float, default 1
        Inverse strength of the penalty; positive.
    max_iter : int, default 300
        Largest number of L-BFGS iterations.

    Raises
    ------
    UsageError
        When C or max_iter is not positive.
    """

    name = "linear"
    any_loss: ClassVar[bool] = True

    C: float = 1.0
    max_iter: int = 300

    def __post_init__(self) -> None:
        if not self.C > 0 or not self.max_iter >= 1:
            raise UsageError(f"linear: C and max_iter must be positive, not C={self.C}, max_iter={self.max_iter}")

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        from scipy.optimize import minimize

        present, codes = np.unique(task.codes, return_inverse=True)
        priors = np.bincount(codes) / len(codes)
        objective = _Objective(task.X, codes, task.sample_weight, task.loss.bind(priors), len(present), self.C)
        found = minimize(
            objective,
            np.zeros(objective.size),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.max_iter, "maxls": 50, "gtol": 1e-6, "ftol": 1e-10},
        )
        coef, intercept = objective.unpack(found.x)
        return FittedLinear(coef, intercept, present, task.n_classes)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        arrays = state.arrays
        return FittedLinear(arrays["coef"], arrays["intercept"], arrays["present"], int(state.meta["n_classes"]))


class _Objective:
    """Mean penalised loss and its gradient, as a function of one flat vector."""

    def __init__(
        self, X: Array, codes: NDArray[np.int64], weight: Array, loss: BoundLoss, n_present: int, C: float
    ) -> None:
        self.X, self.codes, self.loss = X, codes, loss
        # Dividing by the total weight keeps gradients of order 1, so that one tolerance fits all tables.
        self.weight = weight / weight.sum()
        self.penalty = 1.0 / (C * weight.sum())
        # Two classes need one score: its mirror image would only halve the penalty.
        self.columns = 1 if n_present == 2 else n_present
        self.size = (X.shape[1] + 1) * self.columns

    def unpack(self, flat: Array) -> tuple[Array, Array]:
        table = flat.reshape(-1, self.columns)
        return table[:-1], table[-1]

    def __call__(self, flat: Array) -> tuple[float, Array]:
        coef, intercept = self.unpack(flat)
        logits = _logits(self.X, coef, intercept)
        loss, gradient = self.loss(logits, self.codes)
        gradient *= self.weight[:, None]
        if self.columns == 1:
            gradient = gradient[:, 1:]
        by_coef = self.X.T @ gradient + self.penalty * coef
        value = float(self.weight @ loss + 0.5 * self.penalty * (coef**2).sum())
        return value, np.concatenate([by_coef.ravel(), gradient.sum(axis=0)])


def _logits(X: Array, coef: Array, intercept: Array) -> Array:
    scores: Array = X @ coef + intercept
    return np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores


@dataclass(frozen=True)
class FittedLinear:
    """Coefficients (n_columns, n_scores) and intercepts of a trained linear model."""

    coef: Array
    intercept: Array
    present: NDArray[np.int64]
    n_classes: int

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        logits = _logits(X, self.coef, self.intercept)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        return ModelState(
            {"n_classes": self.n_classes},
            {"coef": self.coef, "intercept": self.intercept, "present": self.present},
        )
