"""LDAM: rare classes must be right by a larger margin."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from steelyard.losses.torch import _softmax_kernels as kernels
from steelyard.losses.torch._base import check_length, number
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._counts import as_counts
from steelyard.losses.torch._softmax import SoftmaxLoss
from steelyard.losses.torch._targets import can_look


def terms(log_p: Tensor, miss: Tensor, margin: Any) -> tuple[Tensor, Tensor]:
    """-log of p with the true logit lowered by the margin, and minus its derivative by log p."""
    # That p is 1 / (1 + e^margin (1 - p) / p): no other logit has to be looked at again.
    value = functional.softplus(margin + miss.log() - log_p)
    return value, 1 / (log_p.exp() * torch.exp(-margin) + miss)


def hard_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for class indices."""
    return kernels.hard_formula(terms, *arguments)


def soft_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for distributions and smoothed class indices."""
    return kernels.soft_formula(terms, *arguments)


class LDAM(SoftmaxLoss):
    r"""Label-distribution-aware margin loss: cross-entropy of scale (z - m_y), with margins m_c like n_c^(-1/4).

    The logits must be **cosines**, between -1 and 1: features and class vectors of length 1, no bias. On plain logits
    margins of .5 mean nothing and a scale of 30 means overfitting; logits beyond 1 are warned of once.
    Deferred re-weighting, the other half of the paper, is :class:`steelyard.losses.schedules.Deferred`.

    Parameters
    ----------
    counts : LabelCounts, mapping, tensor or sequence
        Training rows of each class. A class without rows is taken to have one.
    max_margin : float, default 0.5
        Margin of the rarest class.
    scale : float, default 30
        What cosines are multiplied by.
    weight, label_smoothing, ignore_index, reduction, class_dim, dtype
        As in :class:`CrossEntropy`. The paper's code divides by the sum of the weights: ``"weighted_mean"``.

    Raises
    ------
    UsageError
        When a parameter or a count is below 0.

    References
    ----------
    Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, equation 13.

    Examples
    --------
    >>> loss = LDAM([10_000, 1], max_margin=0.5, scale=30.0)
    >>> loss.margins.tolist()
    [0.05, 0.5]
    >>> round(loss(torch.tensor([[0.2, 0.9]]), torch.tensor([1])).item(), 4)
    0.0025
    """

    hard = Kernel(hard_formula, partial(kernels.hard_in_place, terms), kernels.BLOCK)
    soft = Kernel(soft_formula, partial(kernels.soft_in_place, terms))
    margins: Tensor

    def __init__(
        self, counts: Any, max_margin: float = 0.5, scale: float = 30.0, weight: Any = None, **options: Any
    ) -> None:
        super().__init__(weight, **options)
        self.max_margin, self.scale = number("max_margin", max_margin, 0.0), number("scale", scale, 0.0)
        rarity = as_counts(counts) ** -0.25
        self.register_buffer("margins", self.max_margin * rarity / rarity.max())
        self._looked = False

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        num_items: Tensor | float | None = None,
    ) -> Tensor:
        """Loss of a batch of cosines; see :meth:`CrossEntropy.forward`."""
        if can_look(logits) and not self._looked and logits.numel():
            self._looked = True
            largest = float(logits.detach().abs().max())
            if largest > 1.01:
                warnings.warn(
                    f"LDAM expects cosines, but a logit is {largest:.3g} in size: normalise features and class vectors",
                    UserWarning,
                    stacklevel=3,
                )
        return super().forward(logits, target, sample_weight, num_items)

    def shift(self, dtype: torch.dtype, n_classes: int) -> tuple[Tensor | None, float]:
        """The scale."""
        return None, self.scale

    def terms_for(self, dtype: torch.dtype, n_classes: int) -> tuple[Any, ...]:
        """The scaled margins."""
        check_length("counts", self.margins, n_classes)
        return ((self.margins * self.scale).to(dtype),)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"max_margin={self.max_margin:g}, scale={self.scale:g}, {super().extra_repr()}"
