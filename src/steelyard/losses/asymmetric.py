"""Asymmetric loss: easy negatives of rows with many possible labels are played down, or dropped."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses._base import (
    Array,
    BoundLoss,
    BoundMultilabelLoss,
    FusedLoss,
    Loss,
    mixed_by_target,
    sigmoid_terms,
)
from steelyard.searched import Range, declared


@component
class AsymmetricLoss(Loss):
    """Asymmetric loss of independent sigmoids, for rows with several labels (Ridnik et al. 2021, equation 7).

    It is -(1 - p)^gamma_pos log p of labels that hold, and -m^gamma_neg log(1 - m) with m = max(p - clip, 0) of
    those that do not. The gradient is that of the loss as written.

    Parameters
    ----------
    gamma_neg : float, default 4
        How much easy negatives are played down.
    gamma_pos : float, default 1
        How much easy positives are; both 0 with ``clip=0`` is cross-entropy.
    clip : float, default 0.05
        Negatives of a probability below it cost nothing; from 0 to below 1.

    Raises
    ------
    UsageError
        When a parameter is outside its range, or each row has one label.

    Examples
    --------
    >>> loss, _ = AsymmetricLoss().bind_multilabel(np.full(2, 0.5))(np.array([[-3.0, 0.0]]), np.zeros((1, 2)))
    >>> loss.round(4).tolist()
    [[0.0, 0.0245]]
    """

    name = "asymmetric"
    shown = ("gamma_neg", "gamma_pos")
    ranges = declared(gamma_neg=Range(0, 6), gamma_pos=Range(0, 2), clip=Range(0, 0.2))
    multiclass: ClassVar[bool] = False
    multilabel: ClassVar[bool] = True

    gamma_neg: float = 4.0
    gamma_pos: float = 1.0
    clip: float = 0.05

    def __post_init__(self) -> None:
        for key in ("gamma_neg", "gamma_pos"):
            if not getattr(self, key) >= 0:
                raise UsageError(f"asymmetric: {key} must be at least 0, not {getattr(self, key)}")
        if not 0 <= self.clip < 1:
            raise UsageError(f"asymmetric: clip must be from 0 to below 1, not {self.clip}")

    def bind(self, priors: Array) -> BoundLoss:
        """Not defined for one label a row."""
        raise UsageError("asymmetric: for rows with several labels only; with one label a row take focal")

    def bind_multilabel(self, priors: Array) -> BoundMultilabelLoss:
        """Loss of independent sigmoids; see :meth:`Loss.bind_multilabel`."""
        gamma_neg, gamma_pos, clip = float(self.gamma_neg), float(self.gamma_pos), float(self.clip)

        def asymmetric(logits: Array, targets: Array) -> tuple[Array, Array]:
            p, q, minus_log_p, minus_log_q = sigmoid_terms(logits)
            raised = q**gamma_pos
            positive = raised * minus_log_p, -raised * (gamma_pos * p * minus_log_p + q)
            if not clip:
                raised = p**gamma_neg
                negative = raised * minus_log_q, raised * (gamma_neg * q * minus_log_q + p)
                return mixed_by_target(targets, positive, negative)
            left = np.maximum(p - clip, 0)
            counts = left > 0
            safe = np.where(counts, left, 1.0 - clip)
            log_rest, raised = -np.log1p(-safe), safe**gamma_neg * counts
            slope = raised * p * q * (gamma_neg * log_rest / safe + 1 / (1 - safe))
            return mixed_by_target(targets, positive, (raised * log_rest, slope))

        return asymmetric

    def fused_multilabel(self, priors: Array) -> FusedLoss:
        """The loss of independent sigmoids as plain numbers."""
        return FusedLoss.of(
            len(priors), gamma=float(self.gamma_pos), gamma_neg=float(self.gamma_neg), clip=float(self.clip)
        )
