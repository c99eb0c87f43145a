"""What the losses of independent sigmoids share: each label is right or wrong by itself, or not known."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch._attach import attach
from steelyard.losses.torch._base import TorchLoss, check_length
from steelyard.losses.torch._compiling import BLOCK, LARGE, Kernel, compile_policy, run
from steelyard.losses.torch._reduction import divisor
from steelyard.losses.torch._targets import check_labels, check_sample_weight


class SigmoidLoss(TorchLoss):
    """Base of the losses of independent sigmoids; see :class:`steelyard.losses.BinaryCrossEntropy`."""

    kernel: Kernel

    def terms_for(self, logits: Tensor, dtype: torch.dtype) -> tuple[Any, ...]:
        """Parameters of the terms: numbers, or tensors that go with the logits."""
        return ()

    def balance_for(self, logits: Tensor, dtype: torch.dtype) -> tuple[Any, Any] | None:
        """Weight of positives and weight of negatives, or None where both are 1."""
        return None

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        num_items: Tensor | float | None = None,
    ) -> Tensor:
        """Loss of a batch.

        Parameters
        ----------
        logits : Tensor of shape (N,), (N, C), (N, C, ...), or with the labels in ``class_dim``
        target : Tensor of the same shape
            0, 1, between, or NaN where it is not known.
        sample_weight : Tensor, optional
            With as many dimensions as the logits, each of their size or 1: (N, 1) or (N, C).
        num_items : float or Tensor, optional
            What the mean divides by, in place of this batch's own number of known labels.

        Returns
        -------
        Tensor
            Of shape (), or of the logits' shape with ``reduction="none"``.

        Raises
        ------
        UsageError, DataError
            When shapes or values do not fit; the message says what was expected and what came.
        """
        dtype = self.check_call(logits, target, num_items)
        missing = check_labels(logits, target)
        sample_weight = check_sample_weight(sample_weight, logits.shape, "the logits have shape")
        shared = self.along_labels("weight", self.weight, logits, dtype)
        return self._loss(logits, target, sample_weight, shared, missing, num_items, dtype)

    def _loss(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None,
        weight: Tensor | None,
        missing: bool,
        num_items: Tensor | float | None,
        dtype: torch.dtype,
    ) -> Tensor:
        shape = logits.shape
        balance = self.balance_for(logits, dtype)
        known = ~target.isnan() if missing else None
        count: Tensor | float = float(shape.numel()) if known is None else known.sum()
        whole = None
        if self.reduction == "weighted_mean" and num_items is None:
            whole = _weights(target, sample_weight, weight, balance, known, dtype)
        divide = divisor(self.reduction, num_items, count, whole)
        factor: Any = 1 / divide
        if logits.numel() >= LARGE or isinstance(divide, Tensor) or compile_policy() == "always":
            # A compiled kernel would take a number for a constant, and be compiled again for the next.
            factor = torch.as_tensor(factor, dtype=dtype, device=logits.device)
        factor = factor if weight is None else weight * factor
        parameters = self.terms_for(logits, dtype)
        rows = _rows(logits.detach(), target, sample_weight, (factor, *(balance or ()), *parameters))
        shared = (missing, factor, balance, dtype, *parameters)
        kernel, reduce = type(self).kernel, self.reduction != "none"
        with torch.no_grad():
            loss, gradient = run(kernel, rows, shared, reduce)

        def again(full: Tensor) -> Tensor:
            with torch.enable_grad():
                return kernel.formula(False, full.reshape(rows[0].shape), *rows[1:], *shared)[1].reshape(shape)

        if rows[0].shape != shape:
            loss, gradient = loss if reduce else loss.reshape(shape), gradient.reshape(shape)
        return attach(logits, loss, gradient, None, again)

    def along_labels(self, name: str, vector: Tensor | None, logits: Tensor, dtype: torch.dtype) -> Tensor | None:
        """One number per label, in a shape that goes with the logits."""
        if vector is None:
            return None
        vector = vector.to(device=logits.device, dtype=dtype)
        if vector.shape[0] == 1:
            return vector.reshape(())
        if logits.dim() < 2:
            raise UsageError(
                f"{name} has {vector.shape[0]} entries, but logits of shape {tuple(logits.shape)} have one label"
            )
        dim = self.classes_at(logits)
        check_length(name, vector, logits.shape[dim])
        return vector.view([-1 if place == dim else 1 for place in range(logits.dim())])


def _rows(logits: Tensor, target: Tensor, sample_weight: Tensor | None, shared: tuple[Any, ...]) -> tuple[Any, ...]:
    """Logits, labels and weights; as one long row where no number belongs to one label, which cuts most evenly."""
    rows = (logits, target, sample_weight)
    if logits.numel() <= BLOCK or any(isinstance(part, Tensor) and part.dim() > 0 for part in shared):
        return rows
    if sample_weight is not None and sample_weight.shape != logits.shape:
        return rows
    return tuple(None if row is None else row.reshape(-1) for row in rows)


def _weights(
    target: Tensor,
    sample_weight: Tensor | None,
    weight: Tensor | None,
    balance: tuple[Any, Any] | None,
    known: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    """Weight of each label, 0 where it is not known."""
    whole = torch.ones_like(target, dtype=dtype)
    if balance is not None:
        y = target.to(dtype)
        whole = y * balance[0] + (1 - y) * balance[1]
    if weight is not None:
        whole = whole * weight
    if sample_weight is not None:
        whole = whole * sample_weight.to(dtype)
    return whole if known is None else torch.where(known, whole, 0.0)
