"""Focal loss: examples that are right already count less."""

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
    mixed_by_target,
    sigmoid_terms,
)
from steelyard.searched import Range, declared


@component
class FocalLoss(Loss):
    """Focal loss, -(1 - p)^gamma log p of the true class (Lin et al. 2017, equation 4).

    The probability is that of a softmax, or of a sigmoid for each label where a row may have several. Class weights
    stand outside the modulating factor. At ``gamma=0`` it is cross-entropy.

    Parameters
    ----------
    gamma : float, default 2
        How much examples that are right already are played down; at least 0.

    Raises
    ------
    UsageError
        When gamma is negative.

    Examples
    --------
    >>> loss, _ = FocalLoss(gamma=2).bind(np.array([0.5, 0.5]))(np.zeros((1, 2)), np.array([1]))
    >>> loss.round(4).tolist()
    [0.1733]
    """

    name = "focal"
    shown = ("gamma",)
    ranges = declared(gamma=Range(0, 5))
    multilabel: ClassVar[bool] = True

    gamma: float = 2.0

    def __post_init__(self) -> None:
        if not self.gamma >= 0:
            raise UsageError(f"focal: gamma must be at least 0, not {self.gamma}")

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows with these class shares; see :meth:`Loss.bind`."""
        gamma = float(self.gamma)

        def focal(logits: Array, codes: NDArray[np.int64]) -> tuple[Array, Array]:
            gradient = logits - logits.max(axis=-1, keepdims=True)
            entries, places = at_codes(gradient, codes)
            own = entries[places]
            np.exp(gradient, out=gradient)
            total = gradient.sum(axis=-1, keepdims=True)
            log_p = own - np.log(total[:, 0])
            loss, slope = _modulated(log_p, gamma)
            gradient *= -slope[:, None] / total
            entries[places] += slope
            return loss, gradient

        return focal

    def bind_curvature(self, priors: Array) -> BoundCurvature:
        """Second derivatives, negative where an example is wrong by far; see :meth:`Loss.bind_curvature`."""
        gamma = float(self.gamma)

        def curvature(logits: Array, codes: NDArray[np.int64]) -> Array:
            rows = np.arange(len(codes))
            log_softmaxes = log_softmax(logits)
            p_all = np.exp(log_softmaxes)
            log_p = log_softmaxes[rows, codes]
            p, miss = np.exp(log_p), -np.expm1(log_p)
            quotient = np.divide(log_p, miss, out=np.full_like(log_p, -1.0), where=miss > 0)
            slope = -(miss**gamma) + gamma * p * miss**gamma * quotient
            # By the chain rule slope' (delta - p_k)^2 - slope p_k (1 - p_k). For gamma < 1 slope' is infinite at
            # p = 1, so one factor (1 - p) of it is taken from the square, where both have it.
            bend = gamma * p * miss**gamma * (2.0 + log_p - (gamma - 1.0) * p * quotient)
            share = np.divide(p_all, miss[:, None], out=np.zeros_like(p_all), where=miss[:, None] > 0)
            square = p_all * np.minimum(share, 1.0)
            square[rows, codes] = miss
            others = p_all * -np.expm1(log_softmaxes)
            others[rows, codes] = p * miss
            hessian: Array = bend[:, None] * square - slope[:, None] * others
            return hessian

        return curvature

    def bind_multilabel(self, priors: Array) -> BoundMultilabelLoss:
        """Loss of independent sigmoids; see :meth:`Loss.bind_multilabel`."""
        gamma = float(self.gamma)

        def sigmoid_focal(logits: Array, targets: Array) -> tuple[Array, Array]:
            p, q, minus_log_p, minus_log_q = sigmoid_terms(logits)
            return mixed_by_target(
                targets, focal_terms(p, q, minus_log_p, gamma, -1.0), focal_terms(q, p, minus_log_q, gamma, 1.0)
            )

        return sigmoid_focal

    def fused(self, priors: Array) -> FusedLoss:
        """The loss as plain numbers."""
        return FusedLoss.of(len(priors), gamma=float(self.gamma))

    def fused_multilabel(self, priors: Array) -> FusedLoss:
        """The loss of independent sigmoids as plain numbers."""
        return FusedLoss.of(len(priors), gamma=float(self.gamma), gamma_neg=float(self.gamma))


def focal_terms(right: Array, wrong: Array, minus_log: Array, gamma: float, sign: float) -> tuple[Array, Array]:
    """Focal loss of what has the probability ``right``, and its derivative by the logit.

    Examples
    --------
    >>> half = np.array([0.5])
    >>> [values.round(4).tolist() for values in focal_terms(half, half, -np.log(half), 2.0, -1.0)]
    [[0.1733], [-0.2983]]
    """
    factor = wrong**gamma
    return factor * minus_log, sign * factor * (gamma * right * minus_log + wrong)


def _modulated(log_p: Array, gamma: float) -> tuple[Array, Array]:
    """Focal loss and its derivative by the logarithm of the true class's probability."""
    miss = -np.expm1(log_p)
    factor = miss**gamma
    # d/dlog_p of factor * -log_p holds miss^(gamma - 1) * log_p, which is 0 * inf for gamma < 1 at p = 1;
    # log_p / miss tends to -1 there, so the quotient is formed first.
    quotient = np.divide(log_p, miss, out=np.full_like(log_p, -1.0), where=miss > 0)
    return -factor * log_p, -factor + gamma * np.exp(log_p) * factor * quotient
