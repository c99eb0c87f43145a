"""Tversky loss: false positives and false negatives weigh as they should."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch._base import number
from steelyard.losses.torch._regions import RegionLoss


class Tversky(RegionLoss):
    r"""Tversky loss, :math:`1 - (TP + s) / (TP + \alpha FP + \beta FN + s)`, of each class of each example.

    ``alpha=beta=0.5`` with ``smooth=s`` is :class:`Dice` with ``smooth=2s``.

    Parameters
    ----------
    alpha : float, default 0.3
        Weight of false positives.
    beta : float, default 0.7
        Weight of false negatives: above alpha, rare regions are found at the price of false alarms.
    weight, smooth, activation, per, ignore_index, reduction, class_dim, dtype
        As in :class:`Dice`.

    Raises
    ------
    UsageError
        When alpha or beta is below 0, or both are 0.

    References
    ----------
    Salehi et al., "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks", MLMI 2017.

    Examples
    --------
    >>> import torch
    >>> wrong = torch.tensor([[[-50.0, -50.0], [50.0, 50.0]]])
    >>> round(Tversky()(wrong, torch.tensor([[0, 1]])).item(), 4)
    0.2711
    """

    def __init__(self, alpha: float = 0.3, beta: float = 0.7, weight: Any = None, **options: Any) -> None:
        super().__init__(weight, **options)
        self.alpha, self.beta = number("alpha", alpha, 0.0), number("beta", beta, 0.0)
        if self.alpha + self.beta == 0:
            raise UsageError("alpha and beta are both 0: no mistake would count")

    def overlap_loss(self, both: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        """1 - the Tversky index, without the subtraction."""
        wrong = self.alpha * false_positive + self.beta * false_negative
        return wrong / (both + wrong + self.smooth)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"alpha={self.alpha:g}, beta={self.beta:g}, {super().extra_repr()}"
