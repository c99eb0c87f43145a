"""Poly loss: cross-entropy with its first polynomial term tuned."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from steelyard.losses.torch import _softmax_kernels as kernels
from steelyard.losses.torch._base import number
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._softmax import SoftmaxLoss


def terms(log_p: Tensor, miss: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """-log p + epsilon (1 - p), and minus its derivative by log p."""
    return epsilon * miss - log_p, 1 + epsilon * log_p.exp()


def hard_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for class indices."""
    return kernels.hard_formula(terms, *arguments)


def soft_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for distributions and smoothed class indices."""
    return kernels.soft_formula(terms, *arguments)


class Poly(SoftmaxLoss):
    r"""Poly-1 loss, :math:`-\log p_y + \epsilon (1 - p_y)`.

    Parameters
    ----------
    epsilon : float, default 1
        What is added to the coefficient of 1 - p, which is 1 in cross-entropy; at least -1. At 0 it is cross-entropy.
    weight, label_smoothing, ignore_index, reduction, class_dim, dtype
        As in :class:`CrossEntropy`.

    Raises
    ------
    UsageError
        When epsilon is below -1: right predictions would be punished.

    References
    ----------
    Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", ICLR 2022,
    equation 8.

    Examples
    --------
    >>> round(Poly(epsilon=1.0)(torch.zeros(1, 2), torch.tensor([1])).item(), 4)
    1.1931
    """

    hard = Kernel(hard_formula, partial(kernels.hard_in_place, terms), kernels.BLOCK)
    soft = Kernel(soft_formula, partial(kernels.soft_in_place, terms))

    def __init__(self, epsilon: float = 1.0, weight: Any = None, **options: Any) -> None:
        super().__init__(weight, **options)
        self.epsilon = number("epsilon", epsilon, -1.0)

    def terms_for(self, dtype: torch.dtype, n_classes: int) -> tuple[Any, ...]:
        """Epsilon."""
        return (self.epsilon,)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"epsilon={self.epsilon:g}, {super().extra_repr()}"
