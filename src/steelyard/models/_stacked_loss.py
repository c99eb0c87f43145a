"""The losses of many networks side by side, each by its own numbers, with their gradient in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from steelyard.losses import FusedLoss

# As in ``_kernels``: below the first, a share is taken as this; below the second, a logarithm as a series.
_TINY, _SMALL = 1e-30, 1e-3


class StackedLoss:
    """Loss and gradient of rows of many networks; what the numbers mean is said in :class:`FusedLoss`.

    Parameters
    ----------
    losses : sequence of FusedLoss
        One for each network; all have the same number of classes.
    several : bool
        Whether a row may have several labels.
    device : torch.device
    """

    def __init__(self, losses: Sequence[FusedLoss], several: bool, device: torch.device) -> None:
        numbers = [[loss.scale, loss.gamma, loss.gamma_neg, loss.clip, loss.smoothing] for loss in losses]
        vectors = [[loss.scale * loss.offset, loss.scale * loss.margin] for loss in losses]
        self.several = several
        # On a GPU each operation costs a launch, so what no loss of the stack has is left out.
        self.modulated = any(loss.gamma or loss.gamma_neg or loss.clip for loss in losses)
        self.margins = any(loss.margin.any() for loss in losses)
        #: (5, M, 1, 1) and (2, M, 1, C).
        self.numbers = torch.tensor(numbers, dtype=torch.float32, device=device).T[:, :, None, None]
        self.vectors = torch.tensor(np.array(vectors), dtype=torch.float32, device=device).movedim(1, 0)[:, :, None]
        self.classes = torch.arange(self.vectors.shape[-1], dtype=torch.float32, device=device)

    def take(self, places: Tensor) -> None:
        """Keep the networks at these places, in this order."""
        self.numbers, self.vectors = self.numbers.index_select(1, places), self.vectors.index_select(1, places)

    def loss(self, scores: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        """Weighted loss of rows of the first networks of the stack.

        Parameters
        ----------
        scores : tensor of shape (m, n_rows, C)
        targets, weight : tensors of shape (m, n_rows, 1) with the codes, or (m, n_rows, C) with several labels

        Returns
        -------
        tensor of shape (m, n_rows, 1) or (m, n_rows, C)
        """
        if self.several:
            return _sigmoid(scores + self._vectors(scores)[0], targets, weight, self._numbers(scores))[0]
        mine = targets == self.classes
        return _softmax(self._shifted(scores, mine), mine, weight, self._numbers(scores))[0]

    def slope(self, scores: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
        """Gradient of :meth:`loss` by the scores, shape (m, n_rows, C)."""
        numbers = self._numbers(scores)
        scale, smoothing = numbers[0], numbers[4]
        if self.several:
            z = scores + self._vectors(scores)[0]
            if self.modulated:
                return _sigmoid(z, targets, weight, numbers)[1]
            known = ~targets.isnan()
            return (torch.sigmoid(z) - _share(targets, smoothing)).mul_(weight * known)
        mine = targets == self.classes
        z = self._shifted(scores, mine)
        if self.modulated:
            return _softmax(z, mine, weight, numbers)[1]
        return z.softmax(-1).sub_(smoothing / z.shape[-1]).sub_(mine * (1 - smoothing)).mul_(scale * weight)

    def _numbers(self, scores: Tensor) -> Tensor:
        return self.numbers[:, : len(scores)]

    def _vectors(self, scores: Tensor) -> Tensor:
        return self.vectors[:, : len(scores)]

    def _shifted(self, scores: Tensor, mine: Tensor) -> Tensor:
        """What the softmax is taken of, (m, n_rows, C): scale (score + offset - margin of the true class)."""
        offset, margin = self._vectors(scores)
        z = torch.addcmul(offset, scores, self._numbers(scores)[0])
        return z.sub_(margin * mine) if self.margins else z


def _softmax(z: Tensor, mine: Tensor, weight: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    scale, gamma, _, _, smoothing = numbers
    top = z.amax(-1, keepdim=True)
    raised = (z - top).exp_()
    total = raised.sum(-1, keepdim=True)
    # Summed without the true class, 1 - p keeps its digits where p is nearly 1.
    wrong = (raised.masked_fill(mine, 0).sum(-1, keepdim=True) / total).clamp_min_(_TINY)
    log_total = total.log() + top
    true = z.masked_fill(~mine, 0).sum(-1, keepdim=True)
    series = wrong * (1 + wrong * (0.5 + wrong / 3))
    minus_log = torch.where(wrong < _SMALL, series, log_total - true)
    factor = (1 - smoothing) * wrong.pow(gamma)
    pull = factor * (1 + gamma * (1 - wrong) * minus_log / wrong)
    loss = weight * (factor * minus_log + smoothing * (log_total - z.mean(-1, keepdim=True)))
    slope = raised * ((pull + smoothing) / total) - mine * pull - smoothing / z.shape[-1]
    return loss, slope.mul_(scale * weight)


def _share(targets: Tensor, smoothing: Tensor) -> Tensor:
    return 0.5 * smoothing + (1 - smoothing) * targets.nan_to_num()


def _sigmoid(z: Tensor, targets: Tensor, weight: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    _, gamma_pos, gamma_neg, clip, smoothing = numbers
    known = ~targets.isnan()
    share = _share(targets, smoothing)
    p, q = torch.sigmoid(z), torch.sigmoid(-z)
    tail = z.abs().neg_().exp_().log1p_()
    minus_log_p, minus_log_q = tail + (-z).clamp_min_(0), tail + z.clamp_min(0)
    raised = (-gamma_pos * minus_log_q).exp_()
    positive, by_positive = raised * minus_log_p, -raised * (gamma_pos * p * minus_log_p + q)
    # What is left of the probability of a negative once ``clip`` is taken off; without a clip, all of it.
    clipped = clip > 0
    left = p - clip
    counts = ~clipped | (left > _TINY)
    left = left.clamp_min_(_TINY)
    log_left = torch.where(clipped, left.log(), -minus_log_p)
    log_rest = torch.where(clipped, -torch.log1p(-left), minus_log_q)
    with_clip = p * q * (gamma_neg * log_rest / left + 1 / (1 - left))
    pull = torch.where(clipped, with_clip, gamma_neg * q * log_rest + p)
    raised = (gamma_neg * log_left).exp_().mul_(counts)
    weight = weight * known
    loss = share * positive + (1 - share) * raised * log_rest
    return weight * loss, weight * (share * by_positive + (1 - share) * raised * pull)
