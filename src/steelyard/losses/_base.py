"""What a loss is to the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, component

Array = NDArray[np.float64]

#: (logits (n, C), codes (n,)) -> (loss per example (n,), gradient by the logits (n, C)).
BoundLoss = Callable[[Array, NDArray[np.int64]], tuple[Array, Array]]

#: (logits (n, C), targets (n, C)) -> (loss per entry (n, C), gradient by the logits (n, C)).
BoundMultilabelLoss = Callable[[Array, Array], tuple[Array, Array]]


@component
class Loss(Component):
    """A loss for one label among C classes, and, where ``multilabel`` is true, for several labels of a row."""

    kind: ClassVar[str] = "loss"
    #: Whether the loss itself corrects for class shares.
    uses_priors: ClassVar[bool] = False
    #: Whether it has a form for rows with several labels.
    multilabel: ClassVar[bool] = False

    def bind(self, priors: Array) -> BoundLoss:
        """Loss for training rows in which the classes have these shares.

        Parameters
        ----------
        priors : ndarray of shape (n_classes,)
            Shares of the classes among the training rows; they sum to 1, an absent class has 0.

        Returns
        -------
        callable
            ``(logits (n, C), codes (n,)) -> (loss (n,), gradient (n, C))``, float64.
        """
        raise NotImplementedError

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
            target is NaN.
        """
        raise NotImplementedError


def log_softmax(logits: Array) -> Array:
    """Logarithm of softmax along the last axis, finite for logits of any size."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out
