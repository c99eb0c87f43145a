"""Binary cross-entropy for one label or many, with each kind of weight in its own place."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from steelyard.losses.torch import _sigmoid_kernels as kernels
from steelyard.losses.torch._base import as_vector
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._elementwise import SigmoidLoss


def terms(miss: Tensor, p: Tensor, minus_log_p: Tensor) -> tuple[Tensor, Tensor]:
    """-log p, and minus its derivative by the logit."""
    return minus_log_p, miss


def formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient."""
    return kernels.formula((terms, terms), *arguments)


class BinaryCrossEntropy(SigmoidLoss):
    r"""Binary cross-entropy on logits, :math:`w\,[-p_w\, y \log p - (1-y) \log(1-p)]`.

    ``reduction="mean"`` is what ``torch.nn.BCEWithLogitsLoss`` does: it divides by the number of labels, whatever
    their weights; labels that are not known (NaN) do not count. ``"weighted_mean"`` divides by the sum of the weights.

    Parameters
    ----------
    weight : Tensor, sequence, ClassWeights, optional
        Weight of each label, shape (C,), for its positives and negatives alike. Weights of rows, (N, 1), or of single
        entries, (N, C), are ``sample_weight`` when called.
    pos_weight : Tensor, sequence, optional
        Further weight of each label's positives, shape (C,), or one number: see :func:`steelyard.pos_weights`.
    reduction : {"mean", "weighted_mean", "sum", "none"}, default "mean"
    class_dim : int, default 1
        Where the labels are in logits of two or more dimensions.
    dtype : torch.dtype, optional
        Type to compute in: by default float32, float64 for float64 logits.

    Raises
    ------
    UsageError
        When weights are negative, not finite or all 0.

    Examples
    --------
    >>> loss = BinaryCrossEntropy(pos_weight=[3.0, 1.0])
    >>> round(loss(torch.zeros(1, 2), torch.tensor([[1.0, torch.nan]])).item(), 4)
    2.0794
    """

    kernel = Kernel(formula, partial(kernels.in_place, (terms, terms)), kernels.BLOCK)
    pos_weight: Tensor | None

    def __init__(self, weight: Any = None, pos_weight: Any = None, **options: Any) -> None:
        super().__init__(weight, **options)
        self.register_buffer("pos_weight", as_vector("pos_weight", pos_weight))

    def balance_for(self, logits: Tensor, dtype: torch.dtype) -> tuple[Any, Any] | None:
        """Weight of positives and of negatives."""
        positive = self.along_labels("pos_weight", self.pos_weight, logits, dtype)
        return None if positive is None else (positive, 1.0)
