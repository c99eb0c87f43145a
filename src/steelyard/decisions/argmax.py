"""The most probable class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._base import Array, Codes, Decision, FittedDecision, check_proba, highest
from steelyard.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class FittedArgmax(FittedDecision):
    """The most probable class; for scores of one class and for labels, those above one half."""

    multilabel: bool = False
    state_name: ClassVar[str] = "argmax.v1"

    def predict(self, proba: Array) -> Codes:
        """Class codes, or 0 and 1 per label; the lowest code where classes tie."""
        proba = check_proba(proba)
        if self.multilabel and proba.ndim != 2:
            raise UsageError(f"this rule is for probabilities of shape (n_samples, n_labels), got {proba.shape}")
        if proba.ndim == 1 or self.multilabel:
            return (proba > 0.5).astype(np.int64)
        return highest(proba)

    def params(self) -> dict[str, Any]:
        """Whether rows may have several labels."""
        return {"multilabel": self.multilabel}

    @classmethod
    def from_params(cls, params: Mapping[str, Any], notes: tuple[str, ...]) -> FittedArgmax:
        """Rule from its state."""
        return cls(multilabel=bool(params["multilabel"]), notes=notes)


@component
class Argmax(Decision):
    """Predicts the most probable class, or the labels more probable than not: the neutral decision.

    Examples
    --------
    >>> proba = np.array([[0.7, 0.3], [0.5, 0.5], [0.1, 0.9]])
    >>> Argmax().fit(proba, np.array([0, 1, 1])).predict(proba).tolist()
    [0, 0, 1]
    """

    name = "argmax"
    fitted: ClassVar[type[FittedDecision]] = FittedArgmax

    def fit(self, proba: Array, y: Any = None, *, positive: int | None = None) -> FittedArgmax:
        """Rule for the form of ``y``; there is nothing to tune."""
        return FittedArgmax(multilabel=np.ndim(y) == 2)
