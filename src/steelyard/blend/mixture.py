"""A mixture of arms: how each one's probabilities enter it, with what share, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors
from steelyard.blend.calibration import Calibration
from steelyard.blend.selection import greedy_weights
from steelyard.engine import FittedPipeline, Training
from steelyard.features import TableMatrix

Array = NDArray[np.float64]

#: A member with less weight than this is left out, and not trained again.
_LEAST = 0.01


@dataclass(frozen=True)
class Member:
    """An arm in a blend.

    Parameters
    ----------
    training : Training
    weight : float
        Its share of the mixture.
    factors : ClassFactors
        The strategy's adjustment.
    calibration : Calibration, optional
        What puts its probabilities right.
    pipeline : FittedPipeline, optional
        Trained on all rows.
    """

    training: Training
    weight: float
    factors: ClassFactors
    calibration: Calibration | None = None
    pipeline: FittedPipeline | None = None

    def transform(self, proba: NDArray[np.float32]) -> Array:
        """Probabilities as they enter the mixture; float32 throughout, as the out-of-fold scores were kept."""
        exact = proba.astype(np.float64)
        exact = self.factors.transform(exact / exact.sum(axis=1, keepdims=True))
        return exact if self.calibration is None else self.calibration.transform(exact)


@dataclass(frozen=True)
class Blend:
    """A weighted mean of the probabilities of its members."""

    members: tuple[Member, ...]
    n_classes: int

    def predict_proba(self, matrix: TableMatrix) -> Array:
        """Probabilities (n_rows, n_classes) of raw rows."""
        total = np.zeros((len(matrix), self.n_classes))
        for member in self.members:
            assert member.pipeline is not None
            total += member.weight * member.transform(member.pipeline.predict_proba(matrix).astype(np.float32))
        return total


def mix(
    members: Sequence[Member],
    raw: Sequence[NDArray[np.float32]],
    codes: NDArray[np.int64],
    weight: Array,
    seed: int,
    *,
    calibrate: bool = True,
) -> tuple[list[Member], list[Array]]:
    """Calibration and share of each member, by the log loss of rows that its models never saw.

    Parameters
    ----------
    members : sequence of Member
        Their weights do not matter.
    raw : sequence of ndarray of float32, shape (n_samples, n_classes)
        Out-of-fold probabilities of each, before the strategy's adjustment.
    codes : ndarray of int64, shape (n_samples,)
    weight : ndarray of shape (n_samples,)
        Of the rows.
    seed : int
    calibrate : bool, default True

    Returns
    -------
    members : list of Member
        With weights that sum to 1; small ones are 0.
    scores : list of ndarray of shape (n_samples, n_classes)
        The rows' probabilities as they enter the mixture.
    """
    ready, scores = [], []
    for member, proba in zip(members, raw, strict=True):
        found = Calibration.fit(member.transform(proba), codes, weight) if calibrate and len(codes) else None
        ready.append(replace(member, calibration=found))
        scores.append(ready[-1].transform(proba))
    shares = _shares(scores, codes, weight, seed)
    return [replace(member, weight=float(share)) for member, share in zip(ready, shares, strict=True)], scores


def _shares(scores: Sequence[Array], codes: NDArray[np.int64], weight: Array, seed: int) -> Array:
    if len(scores) == 1 or not len(codes):
        return np.full(len(scores), 1.0 / len(scores))
    rows = np.arange(len(codes))
    weights = greedy_weights(np.stack([proba[rows, codes] for proba in scores]), weight, seed)
    kept = np.where(weights >= _LEAST, weights, 0.0)
    shares: Array = kept / kept.sum()
    return shares
