"""Linear discriminant analysis."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.models._base import Array, Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models.linear import FittedLinear
from steelyard.searched import Choices, declared


@component
class Lda(Model):
    """Linear discriminant analysis with a shrunk covariance, on normal scores and one-hot columns.

    One normal distribution per class with a common covariance; the covariance is moved towards a multiple of the
    identity by the share that Ledoit and Wolf (2004) found best, so that many columns and few rows do no harm. With
    equal weights it is scikit-learn's ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=...)`` on the pooled,
    centred rows. Row weights enter means, covariance and class shares.

    Parameters
    ----------
    shrinkage : float, optional
        From 0 (none) to 1; None takes Ledoit and Wolf's.

    Raises
    ------
    UsageError
        When the shrinkage is outside [0, 1].
    """

    name = "lda"
    ranges = declared(shrinkage=Choices((None, 0.0, 0.01, 0.1, 0.3, 1.0)))
    encoding: ClassVar[Encoding] = "normal"

    shrinkage: float | None = None

    def __post_init__(self) -> None:
        if self.shrinkage is not None and not 0 <= self.shrinkage <= 1:
            raise UsageError(f"lda: shrinkage must be from 0 to 1, not {self.shrinkage}")

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        present, codes = np.unique(task.codes, return_inverse=True)
        weight = task.sample_weight / task.sample_weight.sum()
        member = np.zeros((len(codes), len(present)))
        member[np.arange(len(codes)), codes] = weight
        shares = np.maximum(member.sum(axis=0), np.finfo(np.float64).tiny)
        means = (member.T @ task.X) / shares[:, None]
        centred = (task.X - means[codes]) * np.sqrt(weight)[:, None]
        covariance = centred.T @ centred
        scale = np.trace(covariance) / len(covariance)
        share = self._share(centred, covariance, scale) if self.shrinkage is None else self.shrinkage
        covariance *= 1 - share
        # A whisper of the identity in any case: columns that say the same thing have no inverse.
        covariance[np.diag_indices_from(covariance)] += share * scale + 1e-6 * scale + 1e-12
        coef = np.linalg.solve(covariance, means.T)
        intercept = np.log(shares) - 0.5 * (means * coef.T).sum(axis=1)
        if len(present) == 2:
            coef, intercept = coef[:, 1:] - coef[:, :1], intercept[1:] - intercept[:1]
        return FittedLinear(coef, intercept, present, task.n_classes)

    @staticmethod
    def _share(centred: Array, covariance: Array, scale: float) -> float:
        """Ledoit and Wolf's share, for rows that carry the root of their weight."""
        distance = float((covariance**2).sum() - len(covariance) * scale**2)
        # Each row alone is an estimate of the covariance; how much they differ says how far to trust the mean.
        norms = (centred**2).sum(axis=1)
        error = float((norms**2).sum() - (covariance**2).sum() / len(centred))
        return float(np.clip(error / distance, 0.0, 1.0)) if distance > 0 else 1.0

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        arrays = state.arrays
        return FittedLinear(arrays["coef"], arrays["intercept"], arrays["present"], int(state.meta["n_classes"]))
