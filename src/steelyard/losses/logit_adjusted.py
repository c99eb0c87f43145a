"""Logit-adjusted loss: class shares are put into the logits while training."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses._base import Array, BoundCurvature, BoundLoss, BoundMultilabelLoss, FusedLoss, Loss
from steelyard.losses.cross_entropy import cross_entropy, cross_entropy_curvature, sigmoid_cross_entropy
from steelyard.searched import Range, declared


@component
class LogitAdjustedLoss(Loss):
    """Cross-entropy of logits + tau log prior (Menon et al. 2021, equation 10); tau = 1 is balanced softmax.

    The trained model's scores are tilted towards rare classes on purpose. A class without training rows takes
    the prior of the rarest class that has some, so that its offset is finite.

    Parameters
    ----------
    tau : float, default 1
        Strength; 0 is plain cross-entropy.

    Raises
    ------
    UsageError
        When tau is negative.

    Examples
    --------
    >>> loss, _ = LogitAdjustedLoss(tau=1).bind(np.array([0.9, 0.1]))(np.zeros((1, 2)), np.array([1]))
    >>> loss.round(4).tolist()
    [2.3026]
    """

    name = "logit_adjusted"
    shown = ("tau",)
    ranges = declared(tau=Range(0, 2))
    uses_priors: ClassVar[bool] = True
    multilabel: ClassVar[bool] = True

    tau: float = 1.0

    def __post_init__(self) -> None:
        if not self.tau >= 0:
            raise UsageError(f"logit_adjusted: tau must be at least 0, not {self.tau}")

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows with these class shares; see :meth:`Loss.bind`."""
        offset = self._offset(priors)

        def logit_adjusted(logits: Array, codes: NDArray[np.int64]) -> tuple[Array, Array]:
            return cross_entropy(logits + offset.astype(logits.dtype, copy=False), codes)

        return logit_adjusted

    def bind_curvature(self, priors: Array) -> BoundCurvature:
        """Second derivatives; see :meth:`Loss.bind_curvature`."""
        offset = self._offset(priors)

        def curvature(logits: Array, codes: NDArray[np.int64]) -> Array:
            return cross_entropy_curvature(logits + offset, codes)

        return curvature

    def bind_multilabel(self, priors: Array) -> BoundMultilabelLoss:
        """Loss of independent sigmoids, each moved by the log odds of its label; see :meth:`Loss.bind_multilabel`."""
        offset = self._log_odds(priors)

        def logit_adjusted(logits: Array, targets: Array) -> tuple[Array, Array]:
            return sigmoid_cross_entropy(logits + offset.astype(logits.dtype, copy=False), targets)

        return logit_adjusted

    def fused(self, priors: Array) -> FusedLoss:
        """The loss as plain numbers."""
        return FusedLoss.of(len(priors), offset=self._offset(priors))

    def fused_multilabel(self, priors: Array) -> FusedLoss:
        """The loss of independent sigmoids as plain numbers."""
        return FusedLoss.of(len(priors), offset=self._log_odds(priors))

    def _offset(self, priors: Array) -> Array:
        present = priors[priors > 0]
        offset: Array = self.tau * np.log(np.maximum(priors, present.min()))
        return offset

    def _log_odds(self, priors: Array) -> Array:
        inside = priors[(priors > 0) & (priors < 1)]
        least = min(inside.min(), 1 - inside.max()) if len(inside) else 0.5
        share = np.clip(priors, least, 1 - least)
        odds: Array = self.tau * np.log(share / (1 - share))
        return odds
