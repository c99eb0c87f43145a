"""Cross-entropy: the neutral loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses._base import (
    Array,
    BoundCurvature,
    BoundLoss,
    BoundMultilabelLoss,
    FusedLoss,
    Loss,
    at_codes,
    log_softmax,
    sigmoid,
    softplus,
)
from steelyard.searched import Range, declared


@component
class CrossEntropyLoss(Loss):
    """Cross-entropy: -log p of the true class by a softmax, or of each label by a sigmoid.

    Smoothing takes part of the target away from the true class and shares it out evenly. The whole of it weighs what
    the *true* class weighs; where it weighs what each class weighs, as in PyTorch, the heaviest class can be best
    served by wrong answers on the others.

    Parameters
    ----------
    label_smoothing : float, default 0
        Part of the target that is shared out (Szegedy et al. 2016, section 7), from 0 to 1. With several labels, a
        target moves towards 0.5 by this part.

    Raises
    ------
    UsageError
        When label_smoothing is outside its range.

    Examples
    --------
    >>> loss, gradient = CrossEntropyLoss().bind(np.array([0.5, 0.5]))(np.zeros((1, 2)), np.array([1]))
    >>> loss.round(4).tolist(), gradient.tolist()
    ([0.6931], [[0.5, -0.5]])
    """

    name = "cross_entropy"
    ranges = declared(label_smoothing=Range(0, 0.3))
    multilabel: ClassVar[bool] = True

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing <= 1:
            raise UsageError(f"cross_entropy: label_smoothing must be from 0 to 1, not {self.label_smoothing}")

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows with these class shares; see :meth:`Loss.bind`."""
        part = float(self.label_smoothing)
        if not part:
            return cross_entropy

        def smoothed(logits: Array, codes: NDArray[np.int64]) -> tuple[Array, Array]:
            rows = np.arange(len(codes))
            log_p = log_softmax(logits)
            gradient = np.exp(log_p) - part / logits.shape[1]
            gradient[rows, codes] -= 1 - part
            return -(1 - part) * log_p[rows, codes] - part * log_p.mean(axis=1), gradient

        return smoothed

    def bind_multilabel(self, priors: Array) -> BoundMultilabelLoss:
        """Sigmoid cross-entropy of each label; see :meth:`Loss.bind_multilabel`."""
        part = float(self.label_smoothing)
        if not part:
            return sigmoid_cross_entropy

        def smoothed(logits: Array, targets: Array) -> tuple[Array, Array]:
            return sigmoid_cross_entropy(logits, (1 - part) * targets + part / 2)

        return smoothed

    def fused(self, priors: Array) -> FusedLoss:
        """The loss as plain numbers."""
        return FusedLoss.of(len(priors), smoothing=float(self.label_smoothing))

    def fused_multilabel(self, priors: Array) -> FusedLoss:
        """The loss of independent sigmoids as plain numbers."""
        return self.fused(priors)

    def bind_curvature(self, priors: Array) -> BoundCurvature:
        """Second derivatives p (1 - p); see :meth:`Loss.bind_curvature`."""
        return cross_entropy_curvature


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
    """Loss (n, C) and its gradient by the logits, for targets from 0 to 1, or NaN."""
    known = ~np.isnan(targets)
    target = np.where(known, targets, 0).astype(logits.dtype, copy=False)
    loss = softplus(logits) - target * logits
    return loss * known, (sigmoid(logits) - target) * known
