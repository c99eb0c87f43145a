"""What a loss is to the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, component

Array = NDArray[np.float64]

#: (logits (n, C), codes (n,)) -> (loss per example (n,), gradient by the logits (n, C)).
BoundLoss = Callable[[Array, NDArray[np.int64]], tuple[Array, Array]]

#: (logits (n, C), codes (n,)) -> second derivative of each example's loss by each logit (n, C).
BoundCurvature = Callable[[Array, NDArray[np.int64]], Array]

#: (logits (n, C), targets (n, C)) -> (loss per entry (n, C), gradient by the logits (n, C)).
BoundMultilabelLoss = Callable[[Array, Array], tuple[Array, Array]]


@dataclass(frozen=True)
class FusedLoss:
    """A loss as the numbers by which compiled training knows it, so that it need not know the component.

    For one label among C classes it is, with p the softmax of ``scale * (logits + offset - margin of the true class)``
    and q the probability p of that class, ``(1 - smoothing) * -(1 - q)^gamma log q + smoothing * mean(-log p)``.

    For several labels it is, with p the sigmoid of ``logits + offset`` and m = max(p - clip, 0),
    ``t * -(1 - p)^gamma log p + (1 - t) * -m^gamma_neg log(1 - m)`` with the target moved towards 0.5 by ``smoothing``.

    Parameters
    ----------
    offset, margin : ndarray of shape (n_classes,)
    scale, gamma, gamma_neg, clip, smoothing : float
    """

    offset: Array
    margin: Array
    scale: float = 1.0
    gamma: float = 0.0
    gamma_neg: float = 0.0
    clip: float = 0.0
    smoothing: float = 0.0

    @classmethod
    def of(
        cls, n_classes: int, *, offset: Array | float = 0.0, margin: Array | float = 0.0, **numbers: float
    ) -> FusedLoss:
        """Fused loss with what is not given left out of it."""
        wide = np.zeros(n_classes)
        return cls(wide + offset, wide + margin, **numbers)


@component
class Loss(Component):
    """A loss for one label among C classes, and, where ``multilabel`` is true, for several labels of a row."""

    kind: ClassVar[str] = "loss"
    #: Whether the loss itself corrects for class shares.
    uses_priors: ClassVar[bool] = False
    #: Whether it has a form for rows with one label, and one for rows with several labels.
    multiclass: ClassVar[bool] = True
    multilabel: ClassVar[bool] = False

    @property
    def cosine_scale(self) -> float | None:
        """What the cosines it expects for logits are multiplied by; None where it takes any logits.

        Cosines are made by a last layer whose inputs and class vectors have length 1.
        """
        return None

    def fused(self, priors: Array) -> FusedLoss | None:
        """The loss of :meth:`bind` as plain numbers for compiled training; None where it has no such form."""
        return None

    def fused_multilabel(self, priors: Array) -> FusedLoss | None:
        """The loss of :meth:`bind_multilabel` as plain numbers; None where it has no such form."""
        return None

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows in which the classes have these shares.

        Parameters
        ----------
        priors : ndarray of shape (n_classes,)
            Shares of the classes among the training rows; they sum to 1, an absent class has 0.

        Returns
        -------
        callable
            ``(logits (n, C), codes (n,)) -> (loss (n,), gradient (n, C))``, float64. Where the logits are contiguous by
            columns, or float32, so are loss and gradient, if the loss can.
        """
        raise NotImplementedError

    def bind_curvature(self, priors: Array) -> BoundCurvature:
        """Second derivatives, for models that take Newton steps; may be negative where the loss is not convex.

        A loss that does not say otherwise gets central differences of its gradient, good to about 1e-8.

        Parameters
        ----------
        priors : ndarray of shape (n_classes,)
            As for :meth:`bind`.

        Returns
        -------
        callable
            ``(logits (n, C), codes (n,)) -> second derivative by each logit (n, C)``, float64.
        """
        return partial(differences, self.bind(priors))

    def bind_multilabel(self, priors: Array) -> BoundMultilabelLoss:
        """Loss of independent sigmoids, for training rows in which the labels have these shares.

        Parameters
        ----------
        priors : ndarray of shape (n_classes,)
            Share of the rows that have each label, among those where it is known.

        Returns
        -------
        callable
            ``(logits (n, C), targets (n, C)) -> (loss (n, C), gradient (n, C))``, float64; both are 0 where the
            target is NaN. An entry depends on its own label only, so some of the labels can be bound by themselves.
        """
        raise NotImplementedError


def differences(loss: BoundLoss, logits: Array, codes: NDArray[np.int64], step: float = 1e-4) -> Array:
    """Second derivative by each logit (n, C), by central differences of the gradient."""
    out = np.empty_like(logits)
    for k in range(logits.shape[1]):
        shift = step * (np.arange(logits.shape[1]) == k)
        above, below = loss(logits + shift, codes)[1][:, k], loss(logits - shift, codes)[1][:, k]
        out[:, k] = (above - below) / (2 * step)
    return out


def log_softmax(logits: Array) -> Array:
    """Logarithm of softmax along the last axis, finite for logits of any size."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def at_codes(array: Array, codes: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """One entry of each row, where codes say: a flat view of an (n, C) array, and the places in it.

    The array is contiguous, by rows or by columns; the latter is several times faster where there are few classes.
    """
    n_rows, n_classes = array.shape
    if array.flags.c_contiguous:
        return array.reshape(-1), np.arange(n_rows) * n_classes + codes
    return array.T.reshape(-1), codes * n_rows + np.arange(n_rows)


def softplus(logits: Array) -> Array:
    """log(1 + exp(logits)), finite for logits of any size."""
    out: Array = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return out


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-logits)), without overflow."""
    small = np.exp(-np.abs(logits))
    out: Array = np.where(logits >= 0, 1, small) / (1 + small)
    return out


def sigmoid_terms(logits: Array) -> tuple[Array, Array, Array, Array]:
    """P, 1 - p, -log p and -log(1 - p) of the sigmoid p, each with all its digits for logits of any size."""
    small = np.exp(-np.abs(logits))
    tail = np.log1p(small)
    large, little = 1 / (1 + small), small / (1 + small)
    positive = logits > 0
    p, q = np.where(positive, large, little), np.where(positive, little, large)
    return p, q, tail + np.maximum(-logits, 0), tail + np.maximum(logits, 0)


def mixed_by_target(target: Array, positive: tuple[Array, Array], negative: tuple[Array, Array]) -> tuple[Array, Array]:
    """Losses and slopes of labels that hold and that do not, each counting by the target; 0 where it is NaN."""
    known = ~np.isnan(target)
    share = np.where(known, target, 0.0)
    loss, slope = (share * p + (1 - share) * n for p, n in zip(positive, negative, strict=True))
    return loss * known, slope * known
