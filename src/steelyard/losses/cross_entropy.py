"""Cross-entropy: the neutral loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.losses._base import Array, BoundCurvature, BoundLoss, Loss, log_softmax


@component
class CrossEntropyLoss(Loss):
    """Softmax cross-entropy, -log p of the true class.

    Examples
    --------
    >>> loss, gradient = CrossEntropyLoss().bind(np.array([0.5, 0.5]))(np.zeros((1, 2)), np.array([1]))
    >>> loss.round(4).tolist(), gradient.tolist()
    ([0.6931], [[0.5, -0.5]])
    """

    name = "cross_entropy"

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows with these class shares; see :meth:`Loss.bind`."""
        return cross_entropy

    def bind_curvature(self, priors: Array) -> BoundCurvature:
        """Second derivatives p (1 - p); see :meth:`Loss.bind_curvature`."""
        return cross_entropy_curvature


def cross_entropy(logits: Array, codes: NDArray[np.int64]) -> tuple[Array, Array]:
    """Loss (n,) and its gradient (n, C) by the logits."""
    rows = np.arange(len(codes))
    log_p = log_softmax(logits)
    loss = -log_p[rows, codes]
    gradient = np.exp(log_p)
    gradient[rows, codes] -= 1.0
    return loss, gradient


def cross_entropy_curvature(logits: Array, codes: NDArray[np.int64]) -> Array:
    """Second derivative (n, C) by each logit."""
    p = np.exp(log_softmax(logits))
    return p * (1.0 - p)
