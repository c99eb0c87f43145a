"""Cross-entropy with weights that do what they say."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor

from steelyard.losses.torch import _softmax_kernels as kernels
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._softmax import SoftmaxLoss


def terms(log_p: Tensor, miss: Tensor) -> tuple[Tensor, Any]:
    """-log p, and minus its derivative by log p."""
    return -log_p, 1.0


def hard_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for class indices."""
    return kernels.hard_formula(terms, *arguments)


def soft_formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient for distributions and smoothed class indices."""
    return kernels.soft_formula(terms, *arguments)


class CrossEntropy(SoftmaxLoss):
    r"""Softmax cross-entropy.

    ``reduction="weighted_mean"`` is what ``torch.nn.CrossEntropyLoss(weight=...)`` does: it divides by the sum of
    the weights in the batch. The default ``"mean"`` divides by the number of examples.

    The loss of an example with target distribution q, weights w and smoothing eps is
    :math:`\sum_c w_c q_c [(1-\epsilon)(-\log p_c) + \epsilon\, \mathrm{mean}_k(-\log p_k)]`: a class index is a
    one-hot q, a mixed-up target is the mixture of its parts, and the smoothing's share is weighted by the true class.

    Parameters
    ----------
    weight : Tensor, sequence, ClassWeights, optional
        Weight of each class, shape (C,); kept as a buffer.
    label_smoothing : float, default 0
    ignore_index : int, default -100
        Class index that stands for "no target". In soft targets NaN does.
    reduction : {"mean", "weighted_mean", "sum", "none"}, default "mean"
        "mean" divides the sum of the weighted losses by the number of examples that are not ignored,
        "weighted_mean" by the sum of their weights. A batch of ignored examples has loss 0.
    class_dim : int, default 1
        Where the classes are: 1 for (N, C), (N, C, T) and (N, C, H, W); -1 for (N, T, C).
    dtype : torch.dtype, optional
        Type to compute in: by default float32, float64 for float64 logits.

    Raises
    ------
    UsageError
        When weights are negative, not finite or all 0.

    References
    ----------
    Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016, for label smoothing.

    Examples
    --------
    >>> import torch
    >>> logits, target = torch.tensor([[2.5, 0.3], [0.1, 1.0], [3.2, 0.2]]), torch.tensor([0, 1, 0])
    >>> round(CrossEntropy([0.3, 0.7], reduction="weighted_mean")(logits, target).item(), 6)
    0.219161
    >>> round(CrossEntropy([0.3, 0.7])(logits, target).item(), 4)
    0.095
    """

    hard = Kernel(hard_formula, partial(kernels.hard_in_place, terms), kernels.BLOCK)
    soft = Kernel(soft_formula, partial(kernels.soft_in_place, terms))
