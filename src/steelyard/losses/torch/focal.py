"""Softmax focal loss: examples that are right already count less."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from steelyard.losses.torch import _softmax_kernels as kernels
from steelyard.losses.torch._base import as_vector, check_length
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._power import power, single
from steelyard.losses.torch._softmax import SoftmaxLoss


def terms(log_p: Tensor, miss: Tensor, gamma: Any) -> tuple[Tensor, Tensor]:
    """-(1 - p)^gamma log p, and minus its derivative by log p."""
    # The derivative has (1 - p)^(gamma - 1) log p in it, 0 * inf for gamma < 1 at p = 1: the quotient tends to 1.
    ratio = torch.where(miss > 0, -log_p / miss, 1.0)
    modulation = power(miss, gamma)
    return modulation * -log_p, modulation * (1 + gamma * log_p.exp() * ratio)


def hard_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for class indices."""
    return kernels.hard_formula(terms, *arguments)


def soft_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for distributions and smoothed class indices."""
    return kernels.soft_formula(terms, *arguments)


class Focal(SoftmaxLoss):
    r"""Softmax focal loss, :math:`-w_y (1 - p_y)^\gamma \log p_y` (Lin et al. 2017, equation 5).

    Class weights (the paper's alpha) stand outside the modulating factor. ``gamma=0`` is cross-entropy. For a
    target distribution it is the mixture of the losses of its classes, as in :class:`CrossEntropy`.

    Parameters
    ----------
    gamma : float or one number for each class, default 2
        How much examples that are right already are played down; at least 0.
    weight, label_smoothing, ignore_index, reduction, class_dim, dtype
        As in :class:`CrossEntropy`; "mean" divides by the number of examples, not by their weights.

    Raises
    ------
    UsageError
        When gamma is below 0, or weights are negative, not finite or all 0.

    References
    ----------
    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples
    --------
    >>> round(Focal(gamma=2.0)(torch.zeros(1, 2), torch.tensor([1])).item(), 4)
    0.1733
    """

    hard = Kernel(hard_formula, partial(kernels.hard_in_place, terms), kernels.BLOCK)
    soft = Kernel(soft_formula, partial(kernels.soft_in_place, terms))
    gamma: Tensor

    def __init__(self, gamma: Any = 2.0, weight: Any = None, **options: Any) -> None:
        super().__init__(weight, **options)
        self.register_buffer("gamma", as_vector("gamma", gamma))
        self._single = single(self.gamma)

    def terms_for(self, dtype: torch.dtype, n_classes: int) -> tuple[Any, ...]:
        """The exponent, as a number where it is one of the usual ones."""
        if self._single is not None:
            return (self._single,)
        check_length("gamma", self.gamma, n_classes)
        return (self.gamma.to(dtype),)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"gamma={self._single if self._single is not None else self.gamma.tolist()}, {super().extra_repr()}"
