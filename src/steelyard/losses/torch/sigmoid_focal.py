"""Sigmoid focal loss: for detection, and for many labels at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from steelyard.errors import UsageError
from steelyard.losses.torch import _sigmoid_kernels as kernels
from steelyard.losses.torch._base import as_vector
from steelyard.losses.torch._compiling import Kernel
from steelyard.losses.torch._elementwise import SigmoidLoss
from steelyard.losses.torch._power import power, single


def terms(miss: Tensor, p: Tensor, minus_log_p: Tensor, gamma: Any) -> tuple[Tensor, Tensor]:
    """-(1 - p)^gamma log p, and minus its derivative by the logit."""
    # Written without (1 - p)^(gamma - 1), which is infinite at p = 1 for gamma < 1.
    modulation = power(miss, gamma)
    if isinstance(gamma, Tensor) or torch.compiler.is_compiling():
        push = miss + gamma * (p * minus_log_p)
    else:
        push = torch.addcmul(miss, p, minus_log_p, value=gamma)
    return modulation * minus_log_p, modulation * push


def formula(*arguments: Any) -> tuple[Tensor, Tensor]:
    """Loss and gradient."""
    return kernels.formula((terms, terms), *arguments)


class SigmoidFocal(SigmoidLoss):
    r"""Sigmoid focal loss, :math:`-\alpha_t (1 - p_t)^\gamma \log p_t` (Lin et al. 2017, equation 5), per label.

    ``reduction="mean"`` is what ``torchvision.ops.sigmoid_focal_loss(reduction="mean")`` does: it divides by the number
    of labels. The paper divides by the number of anchors assigned to an object: give that as ``num_items``. A label
    between 0 and 1 is the mixture of both.

    Parameters
    ----------
    gamma : float or one number for each label, default 2
        How much labels that are right already are played down; at least 0. At 0 it is binary cross-entropy.
    alpha : float or one number for each label, optional
        Weight of positives, between 0 and 1; negatives weigh 1 - alpha. The paper's is .25, torchvision's default.
    weight : Tensor, sequence, ClassWeights, optional
        Weight of each label, shape (C,), for its positives and negatives alike. Not together with ``alpha``.
    reduction, class_dim, dtype
        As in :class:`BinaryCrossEntropy`.

    Raises
    ------
    UsageError
        When gamma is below 0, alpha is not between 0 and 1, or alpha and weight are both given.

    References
    ----------
    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples
    --------
    >>> round(SigmoidFocal(gamma=2.0, alpha=0.25)(torch.zeros(1, 1), torch.ones(1, 1)).item(), 4)
    0.0433
    """

    kernel = Kernel(formula, partial(kernels.in_place, (terms, terms)), kernels.BLOCK)
    gamma: Tensor
    alpha: Tensor | None

    def __init__(self, gamma: Any = 2.0, alpha: Any = None, weight: Any = None, **options: Any) -> None:
        if alpha is not None and weight is not None:
            raise UsageError("alpha and weight are both given: alpha is the weight of positives, so give one of them")
        super().__init__(weight, **options)
        self.register_buffer("gamma", as_vector("gamma", gamma))
        self.register_buffer("alpha", as_vector("alpha", alpha))
        if self.alpha is not None and bool((self.alpha > 1).any()):
            raise UsageError(f"alpha must be between 0 and 1, not {self.alpha.max().item():g}")
        # Plain numbers cost nothing, neither in operations nor in memory.
        self._single = single(self.gamma)
        self._alpha = None if self.alpha is None else single(self.alpha)

    def terms_for(self, logits: Tensor, dtype: torch.dtype) -> tuple[Any, ...]:
        """The exponent, as a number where all labels have the same."""
        return (self._single if self._single is not None else self.along_labels("gamma", self.gamma, logits, dtype),)

    def balance_for(self, logits: Tensor, dtype: torch.dtype) -> tuple[Any, Any] | None:
        """Weight of positives and of negatives."""
        if self._alpha is not None:
            return self._alpha, 1 - self._alpha
        alpha = self.along_labels("alpha", self.alpha, logits, dtype)
        return None if alpha is None else (alpha, 1 - alpha)

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"gamma={self._single if self._single is not None else self.gamma.tolist()}, {super().extra_repr()}"
