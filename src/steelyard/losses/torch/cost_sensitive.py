"""Cost-sensitive loss: mistakes are punished by what they cost."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch import _softmax_kernels as kernels
from steelyard.losses.torch._base import number
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._softmax import SoftmaxLoss
from steelyard.losses.torch.cross_entropy import terms


def formula(reduce: bool, *arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient: cross-entropy's, and those of the expected cost."""
    *usual, cost = arguments
    logits, target, factor, keep, offset, scale, dtype, smoothing, weight = usual
    loss, gradient = kernels.soft_formula(terms, False, *usual)
    z = kernels.prepared(logits, keep, offset, scale, dtype)
    share = kernels.shares(z, target, factor, keep, smoothing, weight)
    price = torch.tensordot(share, cost, dims=([1], [0])).movedim(-1, 1)
    p = torch.softmax(z, 1)
    # Seen from the likeliest class: differences of prices do not cancel where its p is near 1.
    more = price - price.gather(1, p.argmax(1, keepdim=True))
    gradient = gradient + p * (more - (p * more).sum(1, keepdim=True))
    loss = loss + (p * price).sum(1)
    return (loss.sum() if reduce else loss), gradient


def in_place(out: Tensor, *arguments: Any) -> Tensor:
    """Loss of a block."""
    loss, gradient = formula(False, *arguments)
    out.copy_(gradient)
    return loss


class CostSensitive(SoftmaxLoss):
    r"""Cross-entropy plus expected cost, :math:`w_y [-\log p_y + \lambda \sum_k \mathrm{cost}_{yk}\, p_k]`.

    The expected cost alone hardly has a gradient where a model is surely wrong, so cross-entropy stays in.

    Parameters
    ----------
    cost : Tensor or matrix of shape (C, C)
        ``cost[true, predicted]``; negative entries are benefits. Only differences within a row matter.
    strength : float, default 1
        Lambda, how much the cost counts. At 0 it is cross-entropy.
    weight, label_smoothing, ignore_index, reduction, class_dim, dtype
        As in :class:`CrossEntropy`.

    Raises
    ------
    UsageError
        When the costs are no square matrix of finite numbers.

    References
    ----------
    Galdran et al., "Cost-Sensitive Regularization for Diabetic Retinopathy Grading from Eye Fundus Images", MICCAI
    2020, equation 4.

    Examples
    --------
    >>> loss = CostSensitive([[0.0, 1.0], [5.0, 0.0]])
    >>> round(loss(torch.zeros(1, 2), torch.tensor([1])).item(), 4)
    3.1931
    """

    hard = Kernel(formula, in_place)
    soft = hard
    always_soft = True
    cost: Tensor

    def __init__(self, cost: Any, strength: float = 1.0, weight: Any = None, **options: Any) -> None:
        super().__init__(weight, **options)
        self.strength = number("strength", strength, 0.0)
        matrix = torch.as_tensor(cost)
        matrix = matrix.clone() if matrix.dtype == torch.float64 else matrix.to(torch.float32, copy=True)
        if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
            raise UsageError(f"cost[true, predicted] must be a square matrix, not of shape {tuple(matrix.shape)}")
        if not bool(torch.isfinite(matrix).all()):
            raise UsageError("cost must have finite entries only")
        self.register_buffer("cost", matrix)

    def terms_for(self, dtype: torch.dtype, n_classes: int) -> tuple[Any, ...]:
        """The costs, as strong as they count."""
        if self.cost.shape[0] != n_classes:
            raise UsageError(f"cost has {self.cost.shape[0]} classes, but the logits have {n_classes}")
        return (self.cost.to(dtype) * self.strength,)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"strength={self.strength:g}, {super().extra_repr()}"
