"""Cross-entropy: the neutral loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.losses._base import (
    Array,
    BoundCurvature,
    BoundLoss,
    BoundMultilabelLoss,
    Loss,
    at_codes,
    log_softmax,
    sigmoid,
    softplus,
)


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
    multilabel: ClassVar[bool] = True

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows with these class shares; see :meth:`Loss.bind`."""
        return cross_entropy

    def bind_curvature(self, priors: Array) -> BoundCurvature:
        """Second derivatives p (1 - p); see :meth:`Loss.bind_curvature`."""
        return cross_entropy_curvature

    def bind_multilabel(self, priors: Array) -> BoundMultilabelLoss:
        """Sigmoid cross-entropy of each label; see :meth:`Loss.bind_multilabel`."""
        return sigmoid_cross_entropy


def cross_entropy(logits: Array, codes: NDArray[np.int64]) -> tuple[Array, Array]:
    """Loss (n,) and its gradient (n, C) by the logits."""
    gradient = logits - logits.max(axis=-1, keepdims=True)
    entries, places = at_codes(gradient, codes)
    own = entries[places]
    np.exp(gradient, out=gradient)
    total = gradient.sum(axis=-1, keepdims=True)
    gradient /= total
    entries[places] -= 1
    return np.log(total[:, 0]) - own, gradient


def cross_entropy_curvature(logits: Array, codes: NDArray[np.int64]) -> Array:
    """Second derivative (n, C) by each logit."""
    p = np.exp(log_softmax(logits))
    return p * (1.0 - p)


def sigmoid_cross_entropy(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Loss (n, C) and its gradient by the logits, for targets 1, 0 and NaN."""
    known = ~np.isnan(targets)
    target = np.where(known, targets, 0).astype(logits.dtype, copy=False)
    loss = softplus(logits) - target * logits
    return loss * known, (sigmoid(logits) - target) * known
