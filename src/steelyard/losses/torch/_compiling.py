"""When a loss's kernel is compiled, and how it runs where it is not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from steelyard.errors import UsageError

#: Calls with fewer elements are not worth a compilation.
LARGE = 1 << 19
#: Elements for which the intermediate values of an eager kernel stay in the processor's cache.
BLOCK = 1 << 14

#: Tensors with one entry per row, tensors or numbers shared by the rows -> loss per element, its gradient.
Kernel = Callable[..., tuple[Tensor, Tensor]]

_policy: dict[str, str] = {"value": "auto"}
_calls: dict[Kernel, int] = {}
_compiled: dict[Kernel, Kernel | None] = {}


def compile_policy(value: Literal["auto", "always", "never"] | None = None) -> str:
    """Say whether losses on large inputs are compiled, and tell what holds.

    Parameters
    ----------
    value : {"auto", "always", "never"}, optional
        "auto" (the default): from the second training step with 2^19 or more logits on, by ``torch.compile``.
        That step takes some seconds once; all later ones take a third to a half of the time. Which steps are compiled depends on
        the shapes alone, so a run stays repeatable. "always": from the first step, whatever the size. "never":
        not at all. Where ``torch.compile`` does not work (no C++ compiler) nothing is compiled, and nothing said.

    Returns
    -------
    str
        The policy that holds now.

    Examples
    --------
    >>> compile_policy()
    'auto'
    """
    if value is not None:
        if value not in ("auto", "always", "never"):
            raise UsageError(f"compile_policy must be 'auto', 'always' or 'never', not {value!r}")
        _policy["value"] = value
    return _policy["value"]


def run(kernel: Kernel, rows: tuple[Any, ...], shared: tuple[Any, ...], reduce: bool) -> tuple[Tensor, Tensor]:
    """Loss (summed if ``reduce``) and gradient by ``rows[0]``, by the fastest way that is open.

    Parameters
    ----------
    kernel : callable
        ``kernel(*rows, *shared) -> (loss, gradient)``, without Python state.
    rows : tuple of Tensor or None
        The first are the logits. Every tensor has the first one's number of rows, or 1.
    shared : tuple
        Arguments that are the same for all rows.
    reduce : bool
    """
    logits: Tensor = rows[0]
    if torch.compiler.is_compiling():
        loss, gradient = kernel(*rows, *shared)
        return (loss.sum() if reduce else loss), gradient
    if reduce and _wanted(kernel, logits):
        done = _run_compiled(kernel, rows, shared)
        if done is not None:
            return done
    return _run_blocks(kernel, rows, shared, reduce)


def _wanted(kernel: Kernel, logits: Tensor) -> bool:
    policy = _policy["value"]
    if policy != "auto" or logits.numel() < LARGE:
        return policy == "always"
    # One call alone, as in a check before training, is not worth the seconds.
    _calls[kernel] = _calls.get(kernel, 0) + 1
    return _calls[kernel] > 1


def _run_compiled(kernel: Kernel, rows: tuple[Any, ...], shared: tuple[Any, ...]) -> tuple[Tensor, Tensor] | None:
    if kernel not in _compiled:

        def summed(rows: tuple[Any, ...], shared: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
            loss, gradient = kernel(*rows, *shared)
            return loss.sum(), gradient

        _compiled[kernel] = torch.compile(summed, dynamic=True)
    function = _compiled[kernel]
    if function is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(rows, shared)
    except Exception:
        # No C++ compiler, a platform without torch.compile, ...: the eager kernel gives the same.
        _compiled[kernel] = None
        return None


def _run_blocks(
    kernel: Kernel, rows: tuple[Any, ...], shared: tuple[Any, ...], reduce: bool
) -> tuple[Tensor, Tensor]:
    logits: Tensor = rows[0]
    n, total = logits.shape[0], logits.numel()
    step = max(1, BLOCK * n // max(total, 1))
    if step >= n or logits.device.type != "cpu":
        loss, gradient = kernel(*rows, *shared)
        return (loss.sum() if reduce else loss), gradient
    losses, gradient_out = [], None
    for start in range(0, n, step):
        stop = min(n, start + step)
        part = [
            arg.narrow(0, start, stop - start) if isinstance(arg, Tensor) and arg.dim() and arg.shape[0] == n else arg
            for arg in rows
        ]
        loss, gradient = kernel(*part, *shared)
        if gradient_out is None:
            gradient_out = gradient.new_empty(logits.shape)
        gradient_out.narrow(0, start, stop - start).copy_(gradient)
        losses.append(loss.sum() if reduce else loss)
    assert gradient_out is not None
    if reduce:
        return torch.stack(losses).sum(), gradient_out
    return torch.cat(losses), gradient_out
