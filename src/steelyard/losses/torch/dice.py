"""Dice loss: the overlap of regions, whatever their size."""

from __future__ import annotations

from torch import Tensor

from steelyard.losses.torch._regions import RegionLoss


class Dice(RegionLoss):
    r"""Soft Dice loss, :math:`1 - (2\,TP + s) / (2\,TP + FP + FN + s)`, of each class of each example.

    Parameters
    ----------
    weight : Tensor, sequence, ClassWeights, optional
        Weight of each class, shape (C,).
    smooth : float, default 1
        s: a class that is neither there nor predicted has loss 0 thanks to it.
    activation : {"softmax", "sigmoid"}, default "softmax"
        One class for each place, or independent labels.
    per : {"example", "batch"}, default "example"
        Overlaps of each example, or of all together as one; only the first can be cut into micro-batches.
    ignore_index : int, default -100
        Class index that stands for "no target"; with NaN in soft targets and labels.
    reduction : {"mean", "weighted_mean", "sum", "none"}, default "mean"
        "mean" divides by the number of examples with any target, times that of classes; "weighted_mean" by the sum
        of their weights.
    class_dim : int, default 1
    dtype : torch.dtype, optional
        Type to compute in: by default float32, float64 for float64 logits.

    Raises
    ------
    UsageError
        When weights are negative, not finite or all 0, or ``smooth`` is not above 0.

    References
    ----------
    Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation", 3DV 2016.

    Examples
    --------
    >>> import torch
    >>> right = torch.tensor([[[50.0, -50.0], [-50.0, 50.0]]])
    >>> round(Dice()(right, torch.tensor([[0, 1]])).item(), 4), round(Dice()(-right, torch.tensor([[0, 1]])).item(), 4)
    (0.0, 0.6667)
    """

    def overlap_loss(self, both: Tensor, false_positive: Tensor, false_negative: Tensor) -> Tensor:
        """1 - Dice, without the subtraction."""
        wrong = false_positive + false_negative
        return wrong / (2 * both + wrong + self.smooth)
