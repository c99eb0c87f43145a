"""Focal Tversky loss: classes whose regions overlap badly count more."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch._base import number
from steelyard.losses.torch.tversky import Tversky


class FocalTversky(Tversky):
    r"""Focal Tversky loss, :math:`(1 - \mathrm{Tversky})^\gamma`, of each class of each example.

    Beware of two conventions: gamma is the exponent here, as in code that is widely used. The paper writes
    :math:`1/\gamma` and recommends 4/3, which is ``gamma=0.75``; its alpha is our ``beta``.

    Parameters
    ----------
    alpha, beta : float, default 0.3 and 0.7
        Weights of false positives and of false negatives.
    gamma : float, default 0.75
        Exponent, above 0. At 1 it is :class:`Tversky`.
    weight, smooth, activation, per, ignore_index, reduction, class_dim, dtype
        As in :class:`Dice`.

    Raises
    ------
    UsageError
        When gamma is not above 0.

    References
    ----------
    Abraham and Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion Segmentation",
    ISBI 2019, equation 4.

    Examples
    --------
    >>> import torch
    >>> wrong = torch.tensor([[[-50.0, -50.0], [50.0, 50.0]]])
    >>> round(FocalTversky(gamma=0.75)(wrong, torch.tensor([[0, 1]])).item(), 4)
    0.3655
    """

    def __init__(
        self, alpha: float = 0.3, beta: float = 0.7, gamma: float = 0.75, weight: Any = None, **options: Any
    ) -> None:
        super().__init__(alpha, beta, weight, **options)
        self.gamma = number("gamma", gamma, 0.0)
        if self.gamma == 0:
            raise UsageError("gamma must be above 0: the loss would be 1 whatever is predicted")

    def overlap_loss(self, both: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        """Power of the Tversky loss; where that is 0 the gradient is 0, not infinite."""
        tversky = super().overlap_loss(both, false_positive, false_negative)
        some = tversky > 0
        return torch.where(some, torch.where(some, tversky, 1.0) ** self.gamma, 0.0)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"gamma={self.gamma:g}, {super().extra_repr()}"
