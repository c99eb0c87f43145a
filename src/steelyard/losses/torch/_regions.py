"""What the losses of overlapping regions share: sums over pixels first, a ratio of sums then."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch._base import TorchLoss, check_length, number
from steelyard.losses.torch._reduction import divisor
from steelyard.losses.torch._softmax_kernels import probabilities
from steelyard.losses.torch._targets import (
    check_class_indices,
    check_distributions,
    check_labels,
    check_sample_weight,
)


class RegionLoss(TorchLoss):
    """Base of the losses of overlap; see :class:`steelyard.losses.Dice` for the arguments."""

    def __init__(
        self,
        weight: Any = None,
        *,
        smooth: float = 1.0,
        activation: str = "softmax",
        per: str = "example",
        ignore_index: int = -100,
        **options: Any,
    ) -> None:
        super().__init__(weight, **options)
        self.smooth = number("smooth", smooth, 0.0)
        if self.smooth == 0:
            raise UsageError("smooth must be above 0: a class that is neither there nor predicted would be 0 / 0")
        if activation not in ("softmax", "sigmoid"):
            raise UsageError(f"activation must be 'softmax' or 'sigmoid', not {activation!r}")
        if per not in ("example", "batch"):
            raise UsageError(f"per must be 'example' or 'batch', not {per!r}")
        self.activation, self.per, self.ignore_index = activation, per, int(ignore_index)

    def overlap_loss(self, both: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        """Loss from the sums of true positives, false positives and false negatives, all (N, C)."""
        raise NotImplementedError

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
            With softmax class indices of the logits' shape without the classes, or probabilities of the logits'
            shape; with sigmoid labels of the logits' shape. Ignored indices and NaN are left out of all sums.
        sample_weight : Tensor of shape (N,), optional
            Weight of each example.
        num_items : float or Tensor, optional
            Examples that the mean divides by, in place of this batch's own; not with ``per="batch"``.

        Returns
        -------
        Tensor
            Of shape (); with ``reduction="none"`` (N, C), or (1, C) with ``per="batch"``.

        Raises
        ------
        UsageError, DataError
            When shapes or values do not fit; the message says what was expected and what came.
        """
        dtype = self.check_call(logits, target, num_items)
        dim = self.classes_at(logits)
        if dim == 0 or logits.dim() < 3:
            raise UsageError(f"logits must have examples, classes and places, not the shape {tuple(logits.shape)}")
        if num_items is not None and self.per == "batch":
            raise UsageError("num_items has no meaning with per='batch': pooled overlaps of two batches do not add up")
        check_length("weight", self.weight, logits.shape[dim])
        sample_weight = check_sample_weight(sample_weight, logits.shape[:1], "there are examples")
        z = logits.movedim(dim, 1).to(dtype)
        known, y = self._known(logits, target, dim)
        if known is not None:
            z = torch.where(known, z, 0.0)
        y = y.to(dtype)
        p, miss = probabilities(z) if self.activation == "softmax" else (torch.sigmoid(z), torch.sigmoid(-z))
        mask: Tensor | float = 1.0 if known is None else known.to(dtype)
        sums = [(part * mask).flatten(2).sum(2) for part in (p * y, p * (1 - y), miss * y)]
        valid = None if known is None else known.flatten(1).any(1)
        return self._reduced(sums, valid, sample_weight, num_items, dtype)

    def _known(self, logits: Tensor, target: Tensor, dim: int) -> tuple[Tensor | None, Tensor]:
        """Which entries count, (N, C or 1, ...), and the target as shares (N, C, ...)."""
        if self.activation == "sigmoid":
            missing = check_labels(logits, target)
            y = target.movedim(dim, 1)
            known = ~y.isnan() if missing else None
            return known, y if known is None else torch.where(known, y, 0.0)
        if target.is_floating_point():
            valid = check_distributions(logits, target, dim)
            y = target.movedim(dim, 1)
            valid = None if valid is None else valid.unsqueeze(1)
            return valid, y if valid is None else torch.where(valid, y, 0.0)
        valid = check_class_indices(logits, target, dim, self.ignore_index)
        index = torch.arange(logits.shape[dim], device=logits.device).view(1, -1, *[1] * (logits.dim() - 2))
        y = index == target.unsqueeze(1)
        return (None if valid is None else valid.unsqueeze(1)), y

    def _reduced(
        self,
        sums: list[Tensor],
        valid: Tensor | None,
        sample_weight: Tensor | None,
        num_items: Tensor | float | None,
        dtype: torch.dtype,
    ) -> Tensor:
        n, n_classes = sums[0].shape
        rows = torch.ones(n, dtype=dtype, device=sums[0].device) if valid is None else valid.to(dtype)
        if sample_weight is not None:
            rows = rows * sample_weight.to(dtype)
        count: Tensor | float = float(n) if valid is None else valid.sum()
        if self.per == "batch":
            sums = [(part * rows.unsqueeze(1)).sum(0, keepdim=True) for part in sums]
            count = torch.as_tensor(count).clamp(max=1)
            rows = (rows > 0).any().to(dtype).reshape(1)
        weight = torch.ones(n_classes, dtype=dtype, device=rows.device)
        if self.weight is not None:
            weight = weight * self.weight.to(device=rows.device, dtype=dtype)
        factor = rows.unsqueeze(1) * weight
        loss = self.overlap_loss(*sums) * factor
        if self.reduction == "none":
            return loss
        # The elements are the classes of the examples; per class of an example, as num_items counts examples.
        return (
            loss.sum() / n_classes / divisor(self.reduction, num_items, count, factor.mean(1))
            if (self.reduction != "sum")
            else loss.sum()
        )

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"smooth={self.smooth:g}, activation={self.activation!r}, {super().extra_repr()}"
