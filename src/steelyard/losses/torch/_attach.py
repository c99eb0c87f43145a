"""A loss whose gradient is known already, put into autograd's graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class _KnownGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, loss: Any, gradient: Tensor, dim: int | None, again: Any) -> Tensor:
        ctx.dim, ctx.again, ctx.dtype = dim, again, logits.dtype
        if again is None:
            ctx.save_for_backward(gradient)
            # A loss that is returned as it came in would be taken for a leaf.
            return loss.clone()  # type: ignore[no-any-return]
        ctx.save_for_backward(gradient, logits)
        return loss[0]  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, ...]:
        (upstream,) = outputs
        gradient = ctx.saved_tensors[0]
        if ctx.again is not None and torch.is_grad_enabled():
            # A gradient of the gradient is wanted: form it once more, with a graph.
            gradient = ctx.again(ctx.saved_tensors[1])
        if ctx.dim is not None:
            upstream = upstream.unsqueeze(ctx.dim)
        if ctx.again is not None and not torch.is_grad_enabled() and _last_use():
            # Nobody asks again: no copy is needed, and what is detached may become somebody's ``grad`` as it is.
            if upstream.dim() > 0 or not upstream.is_cpu or upstream.item() != 1:
                gradient.mul_(upstream)
            return gradient.detach().to(ctx.dtype), None, None, None, None
        return (gradient * upstream).to(ctx.dtype), None, None, None, None


def _last_use() -> bool:
    """Whether the backward pass that runs frees the graph behind it."""
    try:
        return not torch._C._autograd._get_current_graph_task_keep_graph()
    except AttributeError:  # not a name that torch promises to keep
        return False


def attach(
    logits: Tensor, loss: Tensor, gradient: Tensor, dim: int | None, again: Callable[[Tensor], Tensor]
) -> Tensor:
    """The loss, with ``gradient`` as its gradient by ``logits``.

    Parameters
    ----------
    logits : Tensor
    loss : Tensor
        Of shape (), or one entry per element.
    gradient : Tensor
        Of the logits' shape, in the type the loss was computed in.
    dim : int or None
        The classes' dimension, where the loss has one entry per element and the elements have classes.
    again : callable
        Forms the gradient from the logits with a graph, for second derivatives.
    """
    if not (logits.requires_grad and torch.is_grad_enabled()):
        return loss
    apply: Callable[..., Tensor] = _KnownGradient.apply
    if torch.compiler.is_compiling():
        return apply(logits, loss, gradient, dim, None)
    # Within a tuple the loss is not taken for an input, and needs no copy.
    return apply(logits, (loss,), gradient, dim, again)
