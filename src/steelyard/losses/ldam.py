"""LDAM: rare classes must be right by a larger margin."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses._base import Array, BoundLoss, FusedLoss, Loss
from steelyard.losses.cross_entropy import cross_entropy
from steelyard.searched import Range, declared


@component
class LdamLoss(Loss):
    """Label-distribution-aware margin loss: cross-entropy of scale (z - m_y), with margins m_c like n_c^(-1/4).

    The logits z are cosines: a model that has this loss makes the inputs and the class vectors of its last layer as
    long as 1 and leaves out the bias. Its other half in the paper, weights that come late, is the weighting's
    ``defer``: ``inverse(defer=0.8) + ldam``.

    Parameters
    ----------
    max_margin : float, default 0.5
        Margin of the rarest class that has rows; an absent class has the same.
    scale : float, default 30
        What cosines are multiplied by; above 0.

    Raises
    ------
    UsageError
        When a parameter is outside its range.

    References
    ----------
    Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, equation 13.

    Examples
    --------
    >>> priors = np.array([10_000, 1]) / 10_001
    >>> loss, _ = LdamLoss().bind(priors)(np.array([[0.2, 0.9]]), np.array([1]))
    >>> loss.round(4).tolist()
    [0.0025]
    """

    name = "ldam"
    shown = ("max_margin", "scale")
    ranges = declared(max_margin=Range(0.1, 1), scale=Range(5, 60, "log"))

    max_margin: float = 0.5
    scale: float = 30.0

    def __post_init__(self) -> None:
        if not 0 <= self.max_margin < math.inf:
            raise UsageError(f"ldam: max_margin must be at least 0, not {self.max_margin}")
        if not 0 < self.scale < math.inf:
            raise UsageError(f"ldam: scale must be above 0, not {self.scale}")

    @property
    def cosine_scale(self) -> float:
        """What cosines are multiplied by."""
        return float(self.scale)

    def margins(self, priors: Array) -> Array:
        """Margin of each class, shape (n_classes,)."""
        rarity = np.maximum(priors, priors[priors > 0].min()) ** -0.25
        margins: Array = self.max_margin * rarity / rarity.max()
        return margins

    def bind(self, priors: Array) -> BoundLoss:
        """Loss of cosines, for training rows with these class shares; see :meth:`Loss.bind`."""
        margins, scale = self.margins(priors), float(self.scale)

        def ldam(logits: Array, codes: NDArray[np.int64]) -> tuple[Array, Array]:
            shifted = scale * logits
            shifted[np.arange(len(codes)), codes] -= scale * margins[codes]
            loss, gradient = cross_entropy(shifted, codes)
            return loss, scale * gradient

        return ldam

    def fused(self, priors: Array) -> FusedLoss:
        """The loss as plain numbers."""
        return FusedLoss.of(len(priors), margin=self.margins(priors), scale=float(self.scale))
