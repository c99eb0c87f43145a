"""Probabilities put right, lightly: one power and one factor per class, by log loss with a penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors
from steelyard.errors import ArtifactError

Array = NDArray[np.float64]

#: Share of the class priors that is mixed in first, so that no probability is 0.
_MIXED = 1e-3
#: Penalties on the logarithm of the power and on the biases, in units of rows. The power is held tight: how sharp a
#: model is in a fold says little of how sharp it is when it is trained on all rows.
_POWER_PENALTY, _BIAS_PENALTY = 300.0, 1.0


@dataclass(frozen=True)
class Calibration:
    """Vector scaling (Guo et al. 2017) with a penalty towards leaving things as they are.

    Parameters
    ----------
    priors : tuple of float
        Class shares; a thousandth of them is mixed into the probabilities.
    factors : ClassFactors
        Power and factor per class, applied after that.
    """

    priors: tuple[float, ...]
    factors: ClassFactors

    @classmethod
    def fit(cls, proba: Array, codes: NDArray[np.int64], weight: Array) -> Calibration:
        """Calibration with the lowest penalised log loss.

        Parameters
        ----------
        proba : ndarray of shape (n_samples, n_classes)
            Out-of-fold probabilities.
        codes : ndarray of int64, shape (n_samples,)
        weight : ndarray of shape (n_samples,)
            Weight of each row; the penalty counts as many rows as the weights sum to.
        """
        from scipy.optimize import minimize

        n_classes = proba.shape[1]
        priors = np.bincount(codes, weights=weight, minlength=n_classes)
        priors = (priors + 1e-3) / (priors + 1e-3).sum()
        logs = np.log(_mixed(proba, priors))
        rows = np.arange(len(codes))
        seen = np.bincount(codes, weights=weight, minlength=n_classes)

        def objective(flat: Array) -> tuple[float, Array]:
            power, biases = np.exp(flat[0]), flat[1:]
            scores = power * logs + biases
            scores -= scores.max(axis=1, keepdims=True)
            e = np.exp(scores)
            total = e.sum(axis=1)
            loss = weight @ (np.log(total) - scores[rows, codes])
            e *= (weight / total)[:, None]
            by_power = float((e * logs).sum() - weight @ logs[rows, codes])
            gradient = np.r_[power * by_power, e.sum(axis=0) - seen]
            penalty = np.r_[_POWER_PENALTY, np.full(n_classes, _BIAS_PENALTY)]
            return float(loss + 0.5 * penalty @ flat**2), gradient + penalty * flat

        found = minimize(objective, np.zeros(n_classes + 1), jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
        biases = found[1:] - found[1:].max()
        return cls(tuple(priors.tolist()), ClassFactors(tuple(np.exp(biases)), float(np.exp(found[0]))))

    def transform(self, proba: Array) -> Array:
        """Calibrated probabilities, shape (n_samples, n_classes)."""
        return self.factors.transform(_mixed(proba, np.array(self.priors)))

    def to_state(self) -> dict[str, Any]:
        """State for JSON."""
        return {"priors": list(self.priors), "factors": self.factors.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Calibration:
        """Calibration from its state."""
        return cls(tuple(map(float, state["priors"])), class_factors(state["factors"]))


def class_factors(state: Mapping[str, Any]) -> ClassFactors:
    """Bound adjustment of classes from its state.

    Raises
    ------
    ArtifactError
        When it is one of labels, or of another version.
    """
    found = ClassFactors.from_state(state)
    if not isinstance(found, ClassFactors):
        raise ArtifactError("the saved adjustment is for several labels a row, where one class a row is needed")
    return found


def _mixed(proba: Array, priors: Array) -> Array:
    mixed: Array = (1.0 - _MIXED) * proba + _MIXED * priors
    return mixed
