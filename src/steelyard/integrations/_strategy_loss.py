"""What a strategy asks of a PyTorch training loop: its loss, with the weights of its classes in it."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from steelyard.counts import LabelCounts, count_labels
from steelyard.errors import DataError, UsageError
from steelyard.integrations._recall import IGNORED
from steelyard.losses import Loss
from steelyard.losses.torch._base import as_vector
from steelyard.losses.torch._from_component import torch_loss
from steelyard.strategy import Strategy
from steelyard.weighting import class_weights


class StrategyLoss(nn.Module):
    """Loss of a strategy: what its loss slot says, weighted as its weighting slot says.

    Parameters
    ----------
    strategy : str or Strategy
        Its sampling belongs to the data loader, and is refused here; its adjustment and decision belong to the trained
        model's probabilities, and are warned of.
    counts : LabelCounts, or anything that :func:`steelyard.count_labels` takes
        Of the training labels. Counts of a 0/1 matrix make it a loss for many labels a row.
    id2label : mapping from index to name, or sequence of names, optional
        The model's order of the classes; the counts are brought into it.

    Raises
    ------
    UsageError
        When the strategy has a sampling, or a loss that is not for this kind of labels.
    DataError
        When a counted class is not among the model's.
    """

    sampler_advice = "draw with a sampler of steelyard.samplers in the data loader"

    def __init__(self, strategy: str | Strategy, counts: Any, id2label: Any = None) -> None:
        super().__init__()
        self.strategy = Strategy.parse(strategy) if isinstance(strategy, str) else strategy
        self._check_slots()
        self.counts = _in_order(counts if isinstance(counts, LabelCounts) else count_labels(counts), id2label)
        self.classes: tuple[Hashable, ...] = self.counts.classes
        self.multilabel = self.counts.known is not None
        self.loss = torch_loss(cast(Loss, self.strategy.loss), self.counts, multilabel=self.multilabel, class_dim=-1)
        self._positive: Tensor | None = None
        self._scale = 1.0
        if "weighting" in self.strategy.active():
            self.set_weight(class_weights(self.counts, self.strategy.weighting))  # type: ignore[arg-type]

    def set_weight(self, weight: Any) -> None:
        """Replace the class weights; what a weight schedule calls. With many labels a row, those of the positives."""
        if not self.multilabel:
            self.loss.set_weight(weight)
            return
        positive = as_vector("weight", weight)
        if positive is not None and len(positive) != len(self.classes):
            raise UsageError(f"weight has {len(positive)} entries, but there are {len(self.classes)} labels")
        self._positive = positive
        if positive is not None and self.counts.known is not None:
            weights = positive.cpu().numpy().astype(np.float64)
            total = float(np.sum(self.counts.known + self.counts.counts * (weights - 1)))
            self._scale = float(self.counts.known.sum()) / total if total > 0 else 1.0

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        num_items: Tensor | float | None = None,
    ) -> Tensor:
        """Mean loss over the elements that have a target.

        Parameters
        ----------
        logits : Tensor of shape (..., n_classes)
        target : Tensor
            Class indices of shape (...), -100 where there is no target. With many labels a row 0, 1 or between, of the
            logits' shape, NaN or -100 where not known.
        sample_weight : Tensor, optional
        num_items : float or Tensor, optional
            What the mean divides by, in place of this batch's own number of elements.
        """
        if logits.shape[-1] != len(self.classes):
            raise UsageError(
                f"logits of shape {tuple(logits.shape)} do not have the {len(self.classes)} classes that were counted: "
                "give the counts all classes of the model, count_labels(y, classes=...)"
            )
        if next(self.loss.buffers(), logits).device != logits.device:
            self.loss.to(logits.device)
        if self.multilabel:
            target = self._labels(logits, target)
            sample_weight = self._entries(target, sample_weight)
        loss: Tensor = self.loss(logits, target, sample_weight=sample_weight, num_items=num_items)
        return loss

    def count(self, target: Tensor) -> Tensor:
        """Number of elements that have a target."""
        known = target != IGNORED
        return (known & ~target.isnan() if target.is_floating_point() else known).sum()

    def _labels(self, logits: Tensor, target: Tensor) -> Tensor:
        if target.shape != logits.shape:
            raise UsageError(
                f"target has shape {tuple(target.shape)}, but the counts are of many labels a row, so it must have the "
                f"logits' {tuple(logits.shape)}"
            )
        target = target.to(logits.dtype if target.dtype == torch.bool or not target.is_floating_point() else None)
        return torch.where(target == IGNORED, float("nan"), target)

    def _entries(self, target: Tensor, sample_weight: Tensor | None) -> Tensor | None:
        """Weights of the entries: those of their labels where these are given, 1 elsewhere; of mean 1 in training."""
        if self._positive is None:
            return sample_weight
        positive = self._positive.to(target.device, torch.float32)
        entries = torch.where(target.isnan(), 0.0, 1 + target.float() * (positive - 1)) * self._scale
        return entries if sample_weight is None else entries * sample_weight

    def _check_slots(self) -> None:
        active = self.strategy.active()
        if "labelling" in active:
            raise UsageError(f"a loss cannot do the labelling {active['labelling']}: take it out of the strategy")
        if "sampling" in active:
            raise UsageError(
                f"a loss cannot do the sampling {active['sampling']}: {self.sampler_advice}, and give the loss the "
                "strategy without it, strategy.replace(sampling='shuffled')"
            )
        for slot in ("adjustment", "decision"):
            if slot in active:
                warnings.warn(
                    f"training does not do the {slot} {active[slot]}: fit it on the probabilities of validation rows "
                    f"with steelyard.{slot}s, and apply it to the trained model's",
                    UserWarning,
                    stacklevel=4,
                )

    def extra_repr(self) -> str:
        """What is shown in ``repr(loss)``."""
        return f"{str(self.strategy)!r}, classes={list(self.classes[:10])}"


def _in_order(counts: LabelCounts, id2label: Any) -> LabelCounts:
    """The counts in the model's order of classes, which they name, or say by indices."""
    if id2label is None:
        return counts
    names = list(id2label) if not isinstance(id2label, Mapping) else [id2label[i] for i in sorted(id2label, key=int)]
    texts, known_names = [str(label) for label in counts.classes], {str(name) for name in names}
    if not set(texts) <= known_names:
        indices = [label for label in counts.classes if isinstance(label, int) and 0 <= label < len(names)]
        if len(indices) < len(texts):
            unknown = ", ".join([text for text in texts if text not in known_names][:10])
            raise DataError(
                f"the model has no class called {unknown}; its id2label has {', '.join(map(str, names[:10]))}: load it "
                "with id2label=dict(enumerate(counts.classes))"
            )
        texts = [str(names[index]) for index in indices]
    place = {text: index for index, text in enumerate(texts)}

    def ordered(values: Any) -> Any:
        return np.array([values[place[str(name)]] if str(name) in place else 0 for name in names], values.dtype)

    return LabelCounts(tuple(names), ordered(counts.counts), None if counts.known is None else ordered(counts.known))
