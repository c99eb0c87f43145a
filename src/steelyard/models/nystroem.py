"""Logistic regression on a sample of a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.models._base import Array, Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models.linear import FittedLinear, Linear
from steelyard.searched import Range, declared

_SMALLEST = 1e-12


@component
class Nystroem(Model):
    """Logistic regression on Nystroem features of a Gaussian kernel, on normal scores and one-hot columns.

    Distances to some of the training rows, decorrelated (Williams and Seeger 2001): smooth, curved borders where
    trees have steps and ``linear`` has lines. The rows are drawn by lot.

    Parameters
    ----------
    n_components : int, default 200
        Training rows that distances are taken to; at most half of them are.
    gamma : float, optional
        Width of the kernel ``exp(-gamma |x - y|^2)``; None takes 1 / (2 n_columns).
    C : float, default 10
        Inverse strength of the penalty.
    max_iter : int, default 200
        Largest number of L-BFGS iterations.

    Raises
    ------
    UsageError
        When a parameter is not positive.
    """

    name = "nystroem"
    ranges = declared(C=Range(0.1, 1000, "log"))
    encoding: ClassVar[Encoding] = "normal"

    n_components: int = 200
    gamma: float | None = None
    C: float = 10.0
    max_iter: int = 200

    def __post_init__(self) -> None:
        if not self.n_components >= 1 or not self.C > 0 or not self.max_iter >= 1:
            raise UsageError("nystroem: n_components, C and max_iter must be positive")
        if self.gamma is not None and not self.gamma > 0:
            raise UsageError(f"nystroem: gamma must be positive, not {self.gamma}")

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        rng = np.random.default_rng(task.seed)
        n_rows = len(task.X)
        chosen = rng.permutation(n_rows)[: max(1, min(self.n_components, n_rows // 2))]
        landmarks = np.ascontiguousarray(task.X[chosen])
        gamma = self.gamma if self.gamma is not None else 0.5 / max(1, task.X.shape[1])
        values, vectors = np.linalg.eigh(_kernel(landmarks, landmarks, gamma))
        root = (vectors / np.sqrt(np.maximum(values, _SMALLEST))) @ vectors.T
        mapped = replace(task, X=_kernel(task.X, landmarks, gamma) @ root)
        fitted = Linear(C=self.C, max_iter=self.max_iter).fit(mapped)
        assert isinstance(fitted, FittedLinear)
        return FittedNystroem(landmarks, root, gamma, fitted)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        arrays = state.arrays
        return FittedNystroem(arrays["landmarks"], arrays["root"], float(state.meta["gamma"]), Linear().restore(state))


def _kernel(X: Array, landmarks: Array, gamma: float) -> Array:
    squared = (X**2).sum(axis=1)[:, None] + (landmarks**2).sum(axis=1) - 2.0 * (X @ landmarks.T)
    kernel: Array = np.exp(-gamma * np.maximum(squared, 0.0))
    return kernel


@dataclass(frozen=True)
class FittedNystroem:
    """Landmark rows, the map that decorrelates their kernel, and the linear model on top."""

    landmarks: Array
    root: Array
    gamma: float
    linear: FittedLinear

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        return self.linear.predict_proba(_kernel(X, self.landmarks, self.gamma) @ self.root)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        state = self.linear.to_state()
        arrays = {**state.arrays, "landmarks": self.landmarks, "root": self.root}
        return ModelState({**state.meta, "gamma": self.gamma}, arrays)
