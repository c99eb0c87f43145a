"""Asymmetric loss: easy negatives of many-label problems are played down, or dropped."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch import _sigmoid_kernels as kernels
from steelyard.losses.torch import sigmoid_focal
from steelyard.losses.torch._base import number
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._elementwise import SigmoidLoss
from steelyard.losses.torch._power import power


def positive_terms(
    miss: Tensor, p: Tensor, minus_log_p: Tensor, gamma_pos: float, gamma_neg: float, clip: float
) -> tuple[Tensor, Tensor]:
    """Loss of a positive, and minus its derivative by the logit."""
    return sigmoid_focal.terms(miss, p, minus_log_p, gamma_pos)


def negative_terms(
    p: Tensor, miss: Tensor, minus_log_miss: Tensor, gamma_pos: float, gamma_neg: float, clip: float
) -> tuple[Tensor, Tensor]:
    """Loss of a negative, and its derivative by the logit."""
    if clip == 0:
        return sigmoid_focal.terms(p, miss, minus_log_miss, gamma_neg)
    shifted = torch.relu(p - clip)
    inside = shifted > 0
    modulation = power(shifted, gamma_neg)
    minus_log = -torch.log1p(-shifted)
    ratio = torch.where(inside, minus_log / shifted, 1.0)
    slope = modulation * (gamma_neg * ratio + 1 / (1 - shifted)) * p * miss
    return modulation * minus_log, torch.where(inside, slope, 0.0)


def formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient."""
    return kernels.formula((positive_terms, negative_terms), *arguments)


class Asymmetric(SigmoidLoss):
    r"""Asymmetric loss (ASL) for many labels.

    It is :math:`-(1-p)^{\gamma_+} \log p` of positives and :math:`-p_m^{\gamma_-} \log(1 - p_m)` of negatives, with
    :math:`p_m = \max(p - \mathrm{clip}, 0)`.

    The gradient is that of the loss as written; the authors' code can leave the modulating factor out of it. They sum
    over labels, ``reduction="sum"``; "mean" divides by the number of known labels.

    Parameters
    ----------
    gamma_neg : float, default 4
        How much easy negatives are played down.
    gamma_pos : float, default 1
        How much easy positives are; both 0 and ``clip=0`` is binary cross-entropy.
    clip : float, default 0.05
        Negatives with a probability below it cost nothing.
    weight, reduction, class_dim, dtype
        As in :class:`BinaryCrossEntropy`.

    Raises
    ------
    UsageError
        When a gamma is below 0, or clip is not in [0, 1).

    References
    ----------
    Ridnik et al., "Asymmetric Loss for Multi-Label Classification", ICCV 2021, equation 7.

    Examples
    --------
    >>> loss = Asymmetric(reduction="none")
    >>> [round(value, 4) for value in loss(torch.tensor([-3.0, 0.0]), torch.zeros(2)).tolist()]
    [0.0, 0.0245]
    """

    kernel = Kernel(formula, partial(kernels.in_place, (positive_terms, negative_terms)))

    def __init__(
        self, gamma_neg: float = 4.0, gamma_pos: float = 1.0, clip: float = 0.05, weight: Any = None, **options: Any
    ) -> None:
        super().__init__(weight, **options)
        self.gamma_neg, self.gamma_pos = number("gamma_neg", gamma_neg, 0.0), number("gamma_pos", gamma_pos, 0.0)
        self.clip = number("clip", clip, 0.0, 1.0)
        if self.clip == 1:
            raise UsageError("clip must be below 1: no negative would ever count")

    def terms_for(self, logits: Tensor, dtype: torch.dtype) -> tuple[Any, ...]:
        """Both exponents, and the clip."""
        return self.gamma_pos, self.gamma_neg, self.clip

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"gamma_neg={self.gamma_neg:g}, gamma_pos={self.gamma_pos:g}, clip={self.clip:g}, {super().extra_repr()}"
