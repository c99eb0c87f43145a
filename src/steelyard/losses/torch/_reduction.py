"""The one place where losses of elements become the loss of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch._targets import can_look

REDUCTIONS = ("mean", "weighted_mean", "sum", "none")


def check_reduction(reduction: str) -> str:
    """The reduction's name, if there is one of that name."""
    if reduction not in REDUCTIONS:
        raise UsageError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, not {reduction!r}")
    return reduction


def check_num_items(reduction: str, num_items: Tensor | float | None) -> None:
    """Refuse a number of items that has no meaning."""
    if num_items is None:
        return
    if reduction in ("sum", "none"):
        raise UsageError(f"num_items divides a mean, but reduction is {reduction!r}: leave one of the two out")
    if isinstance(num_items, Tensor):
        if num_items.numel() != 1:
            raise UsageError(f"num_items must be one number, not a tensor of shape {tuple(num_items.shape)}")
        if torch.compiler.is_compiling() or num_items.device.type != "cpu":
            return
    if not float(num_items) > 0:
        raise UsageError(f"num_items must be above 0, not {float(num_items):g}")


def divisor(
    reduction: str, num_items: Tensor | float | None, valid: Tensor | float, weights: Tensor | None
) -> Tensor | float:
    """What the sum of weighted losses is divided by.

    Parameters
    ----------
    reduction : str
    num_items : float or Tensor of one element, optional
        Takes the place of what this batch alone would be divided by.
    valid : float or Tensor
        Number of elements that are not ignored.
    weights : Tensor or None
        Weights of the elements, 0 where ignored; None where each weighs 1. Used by ``weighted_mean`` only.

    Returns
    -------
    float or Tensor of shape ()
        Never 0: a batch without a valid element has loss 0, so it may be divided by anything.
    """
    if reduction in ("sum", "none"):
        return 1.0
    if num_items is not None:
        return num_items.reshape(()) if isinstance(num_items, Tensor) else float(num_items)
    total = valid if reduction == "mean" or weights is None else weights.sum(dtype=torch.float64)
    if isinstance(total, Tensor) and can_look(total):
        total = total.item()
    if isinstance(total, Tensor):
        return torch.where(total == 0, torch.ones_like(total), total)
    return total or 1.0
