"""Logit-adjusted loss: class shares are put into the logits while training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steelyard.losses.torch._base import check_length, number
from steelyard.losses.torch._counts import as_counts
from steelyard.losses.torch.cross_entropy import CrossEntropy


class LogitAdjusted(CrossEntropy):
    r"""Cross-entropy of logits + tau log prior; ``tau=1`` is balanced softmax.

    The trained model's own scores are tilted towards rare classes on purpose: classify by them as they are, and put
    the prior back (``steelyard.adjustments.Prior(tau=-1)`` undoes ``tau=1``) where probabilities are wanted.

    Parameters
    ----------
    counts : LabelCounts, mapping, tensor or sequence
        Training rows of each class. A class without rows is taken to have one.
    tau : float, default 1
        Strength; 0 is cross-entropy.
    weight, label_smoothing, ignore_index, reduction, class_dim, dtype
        As in :class:`CrossEntropy`.

    Raises
    ------
    UsageError
        When tau or a count is below 0.

    References
    ----------
    Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021, equation 10; Ren et al., "Balanced
    Meta-Softmax", NeurIPS 2020, equation 4.

    Examples
    --------
    >>> round(LogitAdjusted([90, 10])(torch.zeros(1, 2), torch.tensor([1])).item(), 4)
    2.3026
    """

    offset: Tensor

    def __init__(self, counts: Any, tau: float = 1.0, weight: Any = None, **options: Any) -> None:
        super().__init__(weight, **options)
        self.tau = number("tau", tau, 0.0)
        known = as_counts(counts)
        self.register_buffer("offset", self.tau * torch.log(known / known.sum()))

    def shift(self, dtype: torch.dtype, n_classes: int) -> tuple[Tensor | None, float]:
        """Tau log prior."""
        check_length("counts", self.offset, n_classes)
        return self.offset.to(dtype), 1.0

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"tau={self.tau:g}, {super().extra_repr()}"
