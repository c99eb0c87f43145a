"""How a loss is computed: compiled for large inputs, by blocks that fit the cache otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from steelyard.errors import UsageError

#: Calls with fewer logits are not worth a compilation.
LARGE = 1 << 19
#: Logits and gradient of a block of this many elements stay in the processor's second-level cache.
BLOCK = 1 << 16


@dataclass(frozen=True)
class Kernel:
    """One loss in two forms that give the same.

    Attributes
    ----------
    formula : callable
        ``formula(reduce, *rows, *shared) -> (loss, gradient)`` in plain tensor operations: what is compiled, what
        runs on a GPU, and what second derivatives go through.
    in_place : callable
        ``in_place(out, *rows, *shared) -> loss per element``; writes the gradient to ``out``. For CPUs.
    block : int
        Elements that ``in_place`` is given at once.
    """

    formula: Callable[..., tuple[Tensor, Tensor]]
    in_place: Callable[..., Tensor]
    block: int = BLOCK


_policy = {"value": "auto"}
_calls: dict[Kernel, int] = {}
_compiled: dict[Kernel, Callable[..., tuple[Tensor, Tensor]] | None] = {}


def compile_policy(value: Literal["auto", "always", "never"] | None = None) -> str:
    """Say whether losses on large inputs are compiled, and tell what holds.

    Parameters
    ----------
    value : {"auto", "always", "never"}, optional
        "auto" (the default): by ``torch.compile``, from the second call with 2^19 or more logits on. That
        call takes some seconds, once. Which calls are compiled depends on shapes alone, so runs are repeatable.
        "always": from the first call, whatever the size. "never": not at all. Where ``torch.compile`` does not
        work, for want of a C++ compiler say, nothing is compiled and nothing is said.

    Returns
    -------
    str
        The policy that holds now.

    Raises
    ------
    UsageError
        When there is no such policy.

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
    """Loss (summed if ``reduce``) and its gradient by ``rows[0]``, by the fastest way that is open.

    Parameters
    ----------
    kernel : Kernel
    rows : tuple of Tensor or None
        The first are the logits. Each tensor has the first one's number of rows, or 1.
    shared : tuple
        Arguments that are the same for all rows.
    reduce : bool
    """
    logits: Tensor = rows[0]
    if torch.compiler.is_compiling():
        return kernel.formula(reduce, *rows, *shared)
    if reduce and _wanted(kernel, logits):
        done = _run_compiled(kernel, rows, shared)
        if done is not None:
            return done
    if logits.device.type == "cpu":
        return _run_blocks(kernel, rows, shared, reduce)
    return kernel.formula(reduce, *rows, *shared)


def _wanted(kernel: Kernel, logits: Tensor) -> bool:
    policy = _policy["value"]
    if policy != "auto" or logits.numel() < LARGE:
        return policy == "always"
    # One call alone, as in a check before training, is not worth the seconds.
    _calls[kernel] = _calls.get(kernel, 0) + 1
    return _calls[kernel] > 1


def _run_compiled(kernel: Kernel, rows: tuple[Any, ...], shared: tuple[Any, ...]) -> tuple[Tensor, Tensor] | None:
    if kernel not in _compiled:
        _compiled[kernel] = torch.compile(kernel.formula)
    function = _compiled[kernel]
    if function is None:
        return None
    try:
        # A batch of another length must not mean another compilation; the number of classes stays a constant.
        for part in rows:
            if isinstance(part, Tensor) and part.shape[0] > 1:
                torch._dynamo.maybe_mark_dynamic(part, 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(True, *rows, *shared)
    except Exception:
        # No C++ compiler, a platform without torch.compile, ...: the other form gives the same.
        _compiled[kernel] = None
        return None


def _run_blocks(kernel: Kernel, rows: tuple[Any, ...], shared: tuple[Any, ...], reduce: bool) -> tuple[Tensor, Tensor]:
    logits: Tensor = rows[0]
    n, total = logits.shape[0], logits.numel()
    gradient = torch.empty(logits.shape, dtype=next(item for item in shared if isinstance(item, torch.dtype)))
    step = max(1, kernel.block * n // max(total, 1))
    if step >= n:
        loss = kernel.in_place(gradient, *rows, *shared)
        return (loss.sum() if reduce else loss), gradient
    losses = []
    for start in range(0, n, step):
        length = min(step, n - start)
        part = [row.narrow(0, start, length) if isinstance(row, Tensor) and row.shape[0] == n else row for row in rows]
        loss = kernel.in_place(gradient.narrow(0, start, length), *part, *shared)
        losses.append(loss.sum() if reduce else loss)
    return (torch.stack(losses).sum() if reduce else torch.cat(losses)), gradient
