"""Kernels of the losses of softmax: a batch's losses and their gradient in one go.

All of them are sums over the classes of a_c f(log p_c), with coefficients a_c made of target, smoothing and weights,
and a function f of the loss's own (its *terms*: f and -f' from log p and 1 - p). So the gradient by the logits is
known in closed form: a_k f'(log p_k) - p_k sum_c a_c f'(log p_c). What is written as 1 - p is summed up from the other
classes: a subtraction would lose all digits where p is near 1.

Rows are (n, C) or (n, C, rest) logits, targets, a factor for each example, and which examples count (None: all).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

#: Elements in a block for ``hard_in_place``: it hardly needs memory of its own, but many calls on short columns.
BLOCK = 1 << 19
#: Below this 1 - p the logarithm of p is formed from it.
_NEAR = 0.4
#: Below this p its own logarithm has lost digits.
_TINY = 1e-30

Terms = Callable[..., tuple[Tensor, Tensor]]


def hard_formula(
    terms: Terms,
    reduce: bool,
    logits: Tensor,
    target: Tensor,
    factor: Tensor,
    keep: Tensor | None,
    offset: Tensor | None,
    scale: float,
    dtype: torch.dtype,
    *parameters: Any,
) -> tuple[Tensor, Tensor]:
    """Loss and gradient for class indices, in plain operations."""
    z = prepared(logits, keep, offset, scale, dtype)
    factor = factor.unsqueeze(1)
    # 32-bit indices fill the same vector registers as the logits.
    hit = _classes(z, torch.int32) == target.unsqueeze(1).to(torch.int32)
    z = z - z.amax(1, keepdim=True)
    others = torch.where(hit, 0.0, z.exp())
    rest = others.sum(1, keepdim=True)
    true = torch.where(hit, z, 0.0).sum(1, keepdim=True)
    whole = rest + true.exp()
    miss = rest / whole
    log_p = torch.where(miss < _NEAR, torch.log1p(-miss.clamp(max=_NEAR)), true - whole.log())
    value, push = terms(log_p, miss, *(_of_class(parameter, target) for parameter in parameters))
    push = push * (factor * scale)
    gradient = torch.where(hit, -push * miss, others * (push / whole))
    loss = (factor * value).squeeze(1)
    return (loss.sum() if reduce else loss), gradient


def hard_in_place(
    terms: Terms,
    out: Tensor,
    logits: Tensor,
    target: Tensor,
    factor: Tensor,
    keep: Tensor | None,
    offset: Tensor | None,
    scale: float,
    dtype: torch.dtype,
    *parameters: Any,
) -> Tensor:
    """Loss for class indices; few passes over the logits, and no memory but the gradient's."""
    z = prepared(logits, keep, offset, scale, dtype)
    at = target.unsqueeze(1)
    factor = factor.unsqueeze(1)
    torch.softmax(z, 1, out=out)
    p = out.gather(1, at)
    miss = out.scatter_(1, at, 0.0).sum(1, keepdim=True)
    minus_miss = -miss
    log_p = torch.where(miss < _NEAR, minus_miss.log1p(), p.log())
    if p.numel() and p.min().item() < _TINY:
        log_p = torch.where(p < _TINY, torch.log_softmax(z, 1).gather(1, at), log_p)
    value, push = terms(log_p, miss, *(_of_class(parameter, target) for parameter in parameters))
    push = push * factor if scale == 1 else push * (factor * scale)
    out.mul_(push).scatter_(1, at, minus_miss.mul_(push))
    return (factor * value).squeeze(1)


def soft_formula(
    terms: Terms,
    reduce: bool,
    logits: Tensor,
    target: Tensor,
    factor: Tensor,
    keep: Tensor | None,
    offset: Tensor | None,
    scale: float,
    dtype: torch.dtype,
    smoothing: float,
    weight: Tensor | None,
    *parameters: Any,
) -> tuple[Tensor, Tensor]:
    """Loss and gradient for distributions (n, C, ...), or for smoothed class indices (n, ...)."""
    z = prepared(logits, keep, offset, scale, dtype)
    share = shares(z, target, factor, keep, smoothing, weight)
    p, miss = probabilities(z)
    log_p = torch.where(miss < _NEAR, torch.log1p(-miss.clamp(max=_NEAR)), torch.log_softmax(z, 1))
    value, push = terms(log_p, miss, *(_along_classes(parameter, z) for parameter in parameters))
    # A logit of -inf has an infinite value, which does not count where nothing is expected of its class.
    value = torch.where(share == 0, 0.0, share * value)
    push = torch.where(share == 0, 0.0, share * push)
    gradient = p * (push.sum(1, keepdim=True) - push) - push * miss
    loss = value.sum(1)
    return (loss.sum() if reduce else loss), (gradient * scale if scale != 1 else gradient)


def probabilities(z: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax along dimension 1, and 1 minus it."""
    p = torch.softmax(z, 1)
    # The largest p is the only one that can be near 1.
    is_top = _classes(z, torch.int64) == z.argmax(1, keepdim=True)
    return p, torch.where(is_top, torch.where(is_top, 0.0, p).sum(1, keepdim=True), 1 - p)


def soft_in_place(terms: Terms, out: Tensor, *arguments: Any) -> Tensor:
    """Loss for distributions; within a block the plain operations are quick enough."""
    loss, gradient = soft_formula(terms, False, *arguments)
    out.copy_(gradient)
    return loss


def shares(
    z: Tensor, target: Tensor, factor: Tensor, keep: Tensor | None, smoothing: float, weight: Tensor | None
) -> Tensor:
    """Coefficients a_c, of the logits' shape."""
    if target.is_floating_point():
        share = target.to(z.dtype)
        if keep is not None:
            share = torch.where(keep.unsqueeze(1), share, 0.0)
    else:
        share = (_classes(z, target.dtype) == target.unsqueeze(1)).to(z.dtype)
    share = share * factor.unsqueeze(1)
    if weight is not None:
        share = share * _along_classes(weight, z)
    if smoothing:
        # The smoothing's share is weighted by the true class: weighted by each class it would train against it.
        share = (1 - smoothing) * share + smoothing / z.shape[1] * share.sum(1, keepdim=True)
    return share


def prepared(logits: Tensor, keep: Tensor | None, offset: Tensor | None, scale: float, dtype: torch.dtype) -> Tensor:
    z = logits.to(dtype)
    if keep is not None:
        # Padding may hold anything, NaN as well.
        z = torch.where(keep.unsqueeze(1), z, 0.0)
    if scale != 1:
        z = z * scale
    return z if offset is None else z + _along_classes(offset, z)


def _classes(z: Tensor, dtype: torch.dtype) -> Tensor:
    index: Tensor = _along_classes(torch.arange(z.shape[1], device=z.device, dtype=dtype), z)
    return index


def _along_classes(parameter: Any, z: Tensor) -> Any:
    if not isinstance(parameter, Tensor) or parameter.dim() == 0:
        return parameter
    return parameter.view(1, -1, *[1] * (z.dim() - 2))


def _of_class(parameter: Any, target: Tensor) -> Any:
    if not isinstance(parameter, Tensor) or parameter.dim() == 0:
        return parameter
    return parameter[target].unsqueeze(1)
