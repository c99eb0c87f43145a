"""What the losses of softmax share: one label, or a distribution over labels, among C classes."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from steelyard.losses.torch._attach import attach
from steelyard.losses.torch._base import TorchLoss, check_length, number
from steelyard.losses.torch._compiling import Kernel, run
from steelyard.losses.torch._reduction import divisor
from steelyard.losses.torch._targets import (
    can_look,
    check_class_indices,
    check_distributions,
    check_sample_weight,
)


class SoftmaxLoss(TorchLoss):
    """Base of the losses of softmax; see :class:`steelyard.losses.CrossEntropy` for the arguments.

    A subclass gives its two kernels, and the parameters of its terms through :meth:`parameters_for`.
    """

    hard: Kernel
    soft: Kernel
    #: Whether class indices too go to the kernel for distributions.
    always_soft = False

    def __init__(
        self,
        weight: Any = None,
        *,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        **options: Any,
    ) -> None:
        super().__init__(weight, **options)
        self.label_smoothing = number("label_smoothing", label_smoothing, 0.0, 1.0)
        self.ignore_index = int(ignore_index)
        self._warned = False

    def terms_for(self, dtype: torch.dtype, n_classes: int) -> tuple[Any, ...]:
        """Parameters of the terms: numbers, or tensors (C,)."""
        return ()

    def shift(self, dtype: torch.dtype, n_classes: int) -> tuple[Tensor | None, float]:
        """What is added to the logits (C,), after what they are multiplied by."""
        return None, 1.0

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
        logits : Tensor of shape (N, C, ...), or with the classes in ``class_dim``
        target : Tensor
            Class indices of the logits' shape without the classes, or probabilities of the logits' shape.
        sample_weight : Tensor, optional
            Of the class indices' shape; a dimension may be 1.
        num_items : float or Tensor, optional
            What the mean divides by, in place of this batch's own number of valid examples.

        Returns
        -------
        Tensor
            Of shape (), or of the class indices' shape with ``reduction="none"``.

        Raises
        ------
        UsageError, DataError
            When shapes or values do not fit; the message says what was expected and what came.
        """
        dtype = self.check_call(logits, target, num_items)
        dim = self.classes_at(logits)
        n_classes = logits.shape[dim]
        check_length("weight", self.weight, n_classes)
        indices = not target.is_floating_point()
        if indices:
            valid = check_class_indices(logits, target, dim, self.ignore_index)
            self._warn_of_ignored_class(valid, n_classes)
        else:
            valid = check_distributions(logits, target, dim)
        shape = torch.Size((*logits.shape[:dim], *logits.shape[dim + 1 :]))
        sample_weight = check_sample_weight(sample_weight, shape, "the examples have shape")
        return self._loss(logits, target, valid, sample_weight, num_items, dtype, dim, shape)

    def _loss(
        self,
        logits: Tensor,
        target: Tensor,
        valid: Tensor | None,
        sample_weight: Tensor | None,
        num_items: Tensor | float | None,
        dtype: torch.dtype,
        dim: int,
        shape: torch.Size,
    ) -> Tensor:
        indices = not target.is_floating_point()
        n_classes = logits.shape[dim]
        if indices and valid is not None:
            target = torch.where(valid, target, 0)
        weight = None if self.weight is None else self.weight.to(logits.device, dtype).expand(n_classes)
        factor, whole = self._factors(target, valid, sample_weight, weight, dtype, dim, shape)
        soft = not indices or self.label_smoothing > 0 or self.always_soft
        count = shape.numel() if valid is None else valid.sum()
        divide = divisor(self.reduction, num_items, count, whole)
        # The kernel for distributions weights the classes itself.
        factor = factor if soft else whole
        if factor is None:
            factor = torch.ones(shape, dtype=dtype, device=logits.device)
        factor = factor if isinstance(divide, float) and divide == 1 else (factor / divide).to(dtype)
        z, y = _flat(logits.detach(), dim, True), _flat(target, dim, not indices)
        keep = None if valid is None else _flat(valid, dim, False)
        offset, scale = self.shift(dtype, n_classes)
        parameters = self.terms_for(dtype, n_classes)
        if soft:
            kernel, shared = type(self).soft, (offset, scale, dtype, self.label_smoothing, weight, *parameters)
        else:
            kernel, shared = type(self).hard, (offset, scale, dtype, *parameters)
        flat_factor = _flat(factor if factor.shape == shape else factor.expand(shape), dim, False)
        reduce = self.reduction != "none"
        with torch.no_grad():
            loss, gradient = run(kernel, (z, y, flat_factor, keep), shared, reduce)

        def again(full: Tensor) -> Tensor:
            with torch.enable_grad():
                second = kernel.formula(False, _flat(full, dim, True), y, flat_factor, keep, *shared)[1]
                return second.reshape(full.shape)

        loss = loss if reduce else loss.reshape(shape)
        return attach(logits, loss, gradient.reshape(logits.shape), None if reduce else dim, again)

    def _factors(
        self,
        target: Tensor,
        valid: Tensor | None,
        sample_weight: Tensor | None,
        weight: Tensor | None,
        dtype: torch.dtype,
        dim: int,
        shape: torch.Size,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Weight of each example without that of its class, and with it; None where all are 1."""
        factor = None if sample_weight is None else sample_weight.to(device=target.device, dtype=dtype).expand(shape)
        if valid is not None:
            factor = valid.to(dtype) if factor is None else factor * valid
        if weight is None:
            return factor, factor
        if not target.is_floating_point():
            of_class = weight[target] if target.dim() > 1 else weight.index_select(0, target)
        else:
            known = target.to(dtype)
            if valid is not None:
                known = torch.where(valid.unsqueeze(dim), known, 0.0)
            of_class = torch.tensordot(known, weight, dims=([dim], [0]))
        return factor, of_class if factor is None else factor * of_class

    def _warn_of_ignored_class(self, valid: Tensor | None, n_classes: int) -> None:
        if self._warned or valid is None or not 0 <= self.ignore_index < n_classes or not can_look(valid):
            return
        if not bool(valid.all()):
            self._warned = True
            warnings.warn(
                f"ignore_index={self.ignore_index} is a class of its own, and has rows: they are ignored",
                UserWarning,
                stacklevel=4,
            )


def _flat(tensor: Tensor | None, dim: int, has_classes: bool) -> Any:
    """Shape (n, C) or (n, C, rest); without classes (n,) or (n, rest)."""
    if tensor is None or (dim == 1 and tensor.dim() == 1 + has_classes):
        return tensor
    if not has_classes:
        before = tensor.shape[:dim].numel()
        after = tensor.shape[dim:].numel()
        return tensor.reshape(before) if after == 1 else tensor.reshape(before, after)
    before, n_classes, after = tensor.shape[:dim].numel(), tensor.shape[dim], tensor.shape[dim + 1 :].numel()
    return tensor.reshape(before, n_classes) if after == 1 else tensor.reshape(before, n_classes, after)
