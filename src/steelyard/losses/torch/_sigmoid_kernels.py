"""Kernels of the losses of independent sigmoids: a batch's losses and their gradient in one go.

All of them are y a f(z) + (1 - y) b g(-z) for a logit z, with the balance (a, b) and functions f and g of the loss's
own (its *terms*: f and -f' from 1 - p, p and -log p).

Rows are logits, labels (0 to 1, NaN where not known), and weights
(None: all 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Terms = Callable[..., tuple[Tensor, Tensor]]
#: Terms of positives, terms of negatives; the same function where the loss treats them alike.
Sides = tuple[Terms, Terms]
#: Elements in a block for ``in_place``, whose tensors then stay in the processor's cache.
BLOCK = 1 << 17
#: From this many elements on, operations cost more than calling them.
_MANY = 8192


def formula(
    sides: Sides,
    reduce: bool,
    logits: Tensor,
    target: Tensor,
    weights: Tensor | None,
    missing: bool,
    factor: Any,
    balance: tuple[Any, Any] | None,
    dtype: torch.dtype,
    *parameters: Any,
) -> tuple[Tensor, Tensor]:
    """Loss and gradient, in plain operations."""
    z, y = logits.to(dtype), target.to(dtype)
    if missing:
        known = ~y.isnan()
        y = torch.where(known, y, 0.0)
        z = torch.where(known, z, 0.0)
        factor = factor * known
    if weights is not None:
        factor = weights.to(dtype) * factor
    small = _exp_of_minus(z.abs())
    larger = 1 / (1 + small)
    log1p = _log1p(small)
    smaller = small * larger
    p = torch.where(z >= 0, larger, smaller)
    miss = torch.where(z >= 0, smaller, larger)
    if balance is None:
        yes, no = y * factor, (1 - y) * factor
    else:
        yes, no = y * (factor * balance[0]), (1 - y) * (factor * balance[1])
    above = functional.relu(z)
    value_yes, push_yes = sides[0](miss, p, (above - z) + log1p, *parameters)
    value_no, push_no = sides[1](p, miss, above + log1p, *parameters)
    loss = yes * value_yes + no * value_no
    return (loss.sum() if reduce else loss), no * push_no - yes * push_yes


def in_place(
    sides: Sides,
    out: Tensor,
    logits: Tensor,
    target: Tensor,
    weights: Tensor | None,
    missing: bool,
    factor: Any,
    balance: tuple[Any, Any] | None,
    dtype: torch.dtype,
    *parameters: Any,
) -> Tensor:
    """Loss; where all labels are 0 or 1 each logit is turned to its label's side, and one side is computed."""
    y = target.to(dtype)
    no = torch.rsub(y, 1)
    # Products of numbers from 0 to 1: their sum is 0 only where each is.
    if missing or sides[0] is not sides[1] or torch.dot(y.reshape(-1), no.reshape(-1)).item() != 0:
        loss, gradient = formula(sides, False, logits, target, weights, missing, factor, balance, dtype, *parameters)
        out.copy_(gradient)
        return loss
    sign = no - y
    against = sign * logits
    miss = torch.sigmoid(against)
    # Only cross-entropy has no parameters, and no use for p; 1 - miss would have lost p's digits.
    p = torch.sigmoid(-against) if parameters else miss
    if y.numel() < _MANY:
        # From 40 on torch gives z itself: log(1 + exp(-z)) is then below the last digit, in float64 too.
        minus_log_p = functional.softplus(against, 1.0, 40.0)
    else:
        # log(1 + exp(-|z|)) is -log(1 - p) for the p below 1/2: more operations, but each of them a quick one.
        least = torch.minimum(p if parameters else 1 - miss, miss)
        minus_log_p = against.relu_().sub_(least.neg_().log1p_())
    value, push = sides[0](miss, p, minus_log_p, *parameters)
    torch.mul(push, sign, out=out)
    if balance is not None:
        # Not (a - b) y + b: a small a would be lost in the difference.
        yes, other = y * (factor * balance[0]), factor * balance[1]
        factor = yes.add_(no * other) if isinstance(other, Tensor) else yes.add_(no, alpha=other)
    if weights is not None:
        factor = weights.to(dtype) * factor
    out.mul_(factor)
    weighted: Tensor = value * factor
    return weighted


def _exp_of_minus(size: Tensor) -> Tensor:
    """exp(-size) for size >= 0, to 1 unit in the last place; below 1e-37 it may be 1e-37."""
    if size.dtype != torch.float32 or size.device.type != "cpu" or not torch.compiler.is_compiling():
        return torch.exp(-size)
    # 2^whole e^rest with |rest| <= log(2) / 2 (Cephes, expf): the library's exp is a call for each eight numbers.
    x = size.neg().clamp(min=-87.0)
    whole = torch.round(x * 1.4426950408889634)
    rest = (x - whole * 0.693359375) + whole * 2.12194440e-4
    power = ((whole.to(torch.int32) + 127) << 23).view(torch.float32)
    tail = 8.3334519073e-3 + rest * (1.3981999507e-3 + rest * 1.98756915e-4)
    tail = 1.6666665459e-1 + rest * (4.1665795894e-2 + rest * tail)
    return power + power * (rest * (1 + rest * (0.5 + rest * tail)))


def _log1p(e: Tensor) -> Tensor:
    """log(1 + e) for e in [0, 1], to 2 units in the last place."""
    if e.dtype != torch.float32 or not torch.compiler.is_compiling():
        return torch.log1p(e)
    # 2 atanh(e / (2 + e)) by Chebyshev interpolation: the library's log1p is half the time of a compiled kernel.
    t = e / (2 + e)
    s = t * t
    return t * (2.0 + s * (0.66666322 + s * (0.40024595 + s * (0.27965158 + s * 0.28157778))))
