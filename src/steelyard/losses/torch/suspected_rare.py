"""Doubt as a task of its own: a second head learns what might be rare, beside the first that names the class."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from steelyard.errors import UsageError
from steelyard.losses.torch._base import number
from steelyard.losses.torch.binary_cross_entropy import BinaryCrossEntropy


class SuspectedRare(nn.Module):
    """Main loss plus that of an auxiliary head that says "this may be one of the rare classes".

    Examples whose class nobody could name, but which someone took for rare, teach the second head and leave the
    first alone.

    Parameters
    ----------
    main : Module
        Loss of the main head, called as ``main(logits, target, sample_weight=..., num_items=...)``.
    rare_classes : iterable of int
        Class indices that are rare: examples of them are suspects where nothing else is said.
    strength : float, default 0.3
        How much the auxiliary loss counts.
    auxiliary : Module, optional
        Loss of the auxiliary head, :class:`BinaryCrossEntropy` by default.
    ignore_index : int, default -100
        Target of examples without a class.

    Raises
    ------
    UsageError
        When no class is rare, or the strength is below 0.

    Examples
    --------
    >>> from steelyard.losses import CrossEntropy
    >>> loss = SuspectedRare(CrossEntropy(), rare_classes=[2], strength=0.5)
    >>> target = torch.tensor([0, 2, -100])  # nobody could name the third, but it looked rare
    >>> suspected = torch.tensor([0.0, 1.0, 1.0])
    >>> round(loss(torch.zeros(3, 3), torch.zeros(3), target, suspected).item(), 4)
    1.4452
    """

    rare: Tensor

    def __init__(
        self,
        main: nn.Module,
        rare_classes: Iterable[int],
        strength: float = 0.3,
        auxiliary: nn.Module | None = None,
        ignore_index: int = -100,
    ) -> None:
        super().__init__()
        classes = sorted({int(place) for place in rare_classes})
        if not classes:
            raise UsageError("rare_classes is empty: say which class indices are rare")
        self.main, self.auxiliary = main, auxiliary or BinaryCrossEntropy()
        self.strength, self.ignore_index = number("strength", strength, 0.0), ignore_index
        self.register_buffer("rare", torch.tensor(classes))

    def forward(
        self,
        logits: Tensor,
        suspicion: Tensor,
        target: Tensor,
        suspected: Tensor | None = None,
        sample_weight: Tensor | None = None,
        num_items: Tensor | float | None = None,
        num_suspected: Tensor | float | None = None,
    ) -> Tensor:
        """Both losses together.

        Parameters
        ----------
        logits : Tensor of shape (N, C)
        suspicion : Tensor of shape (N,) or (N, 1)
            Logits of the auxiliary head.
        target : Tensor of shape (N,)
            Class indices, ``ignore_index`` where the class is not known.
        suspected : Tensor of shape (N,), optional
            1 for suspects, 0 for others, between, NaN where nothing is known. By default whether the class is rare.
        sample_weight : Tensor of shape (N,), optional
        num_items, num_suspected : float or Tensor, optional
            What the means of main and auxiliary loss divide by: targets, and suspicions, known in the whole step.

        Returns
        -------
        Tensor of shape (), or (N,) with ``reduction="none"``
        """
        if suspected is None:
            suspected = torch.isin(target, self.rare).to(suspicion.dtype)
            suspected = torch.where(target == self.ignore_index, float("nan"), suspected)
        main: Tensor = self.main(logits, target, sample_weight=sample_weight, num_items=num_items)
        auxiliary: Tensor = self.auxiliary(
            suspicion.reshape(target.shape), suspected, sample_weight=sample_weight, num_items=num_suspected
        )
        return main + self.strength * auxiliary

    def extra_repr(self) -> str:
        """Parameters shown in ``repr(model)``."""
        return f"rare_classes={self.rare.tolist()}, strength={self.strength:g}"
