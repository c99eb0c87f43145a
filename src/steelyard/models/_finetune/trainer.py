"""Transformers' ``Trainer`` with the loss, the weights and the draws of a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Trainer, TrainerCallback

from steelyard.losses.schedules import ValidationDriven
from steelyard.models._base import FitTask
from steelyard.models._finetune.inputs import IGNORED

#: Weighted loss of a batch: (logits, labels, weights, items of the step) -> a scalar.
Loss = Callable[[Tensor, Tensor, Tensor, Any], Tensor]


class TaskTrainer(Trainer):  # type: ignore[misc]
    """Trainer that weighs every element, draws each pass as it is told, and may mix the rows of a batch.

    Parameters
    ----------
    weighted : WeightedLoss
    draw : callable
        Examples of a pass, from its number.
    mixing : float
        Alpha of the Beta distribution that rows are mixed by; 0 for not.
    """

    def __init__(
        self, weighted: WeightedLoss, draw: Callable[[int], NDArray[np.int64]], mixing: float, **options: Any
    ) -> None:
        super().__init__(compute_loss_func=weighted, **options)
        self.weighted, self.draw, self.mixing = weighted, draw, mixing

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return Passes(self.draw)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The Trainer's, with the weights of the batch handed over to the loss."""
        inputs = dict(inputs)
        self.weighted.weight = inputs.pop("weight")
        self.weighted.partner = None
        if model.training and self.mixing and len(inputs["labels"]) > 1:
            inputs = self._mixed(model, inputs)
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def _mixed(self, model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """Each row with the next one of its batch: pictures as they are, texts as the vectors of their pieces."""
        n = len(inputs["labels"])
        # Drawn on the processor, so that a run with a GPU mixes as one without.
        share = torch.distributions.Beta(self.mixing, self.mixing).sample((n,))
        order = torch.roll(torch.arange(n), 1)
        labels = inputs["labels"]
        device = labels.device
        share, order = share.to(device), order.to(device)
        if "input_ids" in inputs:
            embed = self.accelerator.unwrap_model(model).get_input_embeddings()
            inputs["inputs_embeds"] = _between(embed(inputs.pop("input_ids")), share, order)
            mask = inputs.get("attention_mask")
            if mask is not None:
                inputs["attention_mask"] = torch.maximum(mask, mask[order])
        else:
            inputs["pixel_values"] = _between(inputs["pixel_values"], share, order)
        self.weighted.partner = (labels[order], self.weighted.weight[order], share)
        return inputs


def _between(values: Tensor, share: Tensor, order: Tensor) -> Tensor:
    part = share.to(values.dtype).reshape(-1, *[1] * (values.dim() - 1))
    return part * values + (1 - part) * values[order]


class WeightedLoss:
    """What the Trainer calls with outputs and labels: the task's loss with the weights of the batch.

    Attributes
    ----------
    weight : Tensor
        Of each element of the batch.
    partner : (labels, weights, share), optional
        What each row was mixed with; the row itself counts by its share.
    even : bool
        Whether weights do not hold yet.
    factors : ndarray of shape (n_classes,), optional
        What the weights of the classes are multiplied by.
    """

    def __init__(self, loss: Any, multilabel: bool) -> None:
        self.loss, self.multilabel = loss, multilabel
        self.weight = torch.ones(1)
        self.partner: tuple[Tensor, Tensor, Tensor] | None = None
        self.even = False
        self.factors: NDArray[np.float64] | None = None

    def __call__(self, outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        """Loss of a micro-batch as its part of the step's."""
        logits: Tensor = outputs["logits"] if isinstance(outputs, dict) else outputs[0]
        items = None
        if num_items_in_batch is not None:
            items = torch.as_tensor(num_items_in_batch, device=logits.device).reshape(-1)[0].clamp(min=1)
        if self.partner is None:
            return self.value(logits, labels, self.weight, items)
        others, weight, share = self.partner
        part = share.reshape(-1, *[1] * (self.weight.dim() - 1))
        if items is None:
            items = torch.as_tensor(float(_known(labels).sum()), device=logits.device).clamp(min=1)
        own = self.value(logits, labels, self.weight, items, part)
        return own + self.value(logits, others, weight, items, 1 - part)

    def value(
        self, logits: Tensor, labels: Tensor, weight: Tensor, items: Any = None, part: Tensor | float = 1.0
    ) -> Tensor:
        """Weighted loss over the elements with a target, as a mean or divided by ``items``; ``part`` of each counts."""
        known = _known(labels)
        if self.even:
            weight = torch.ones_like(weight)
        elif self.factors is not None:
            factors = torch.as_tensor(self.factors, dtype=weight.dtype, device=weight.device)
            weight = weight * factors[torch.where(known, labels, 0)]
        if self.multilabel:
            labels = torch.where(known, labels.to(torch.float32), float("nan"))
        found: Tensor = self.loss(logits, labels, sample_weight=weight * part, num_items=items)
        return found


def _known(labels: Tensor) -> Tensor:
    return labels != IGNORED


class Passes(torch.utils.data.Sampler[int]):
    """Examples of one pass after the other.

    Every process of a ``torchrun`` draws the same ones, and accelerate deals their batches out.
    """

    def __init__(self, draw: Callable[[int], NDArray[np.int64]]) -> None:
        self.draw, self.epoch = draw, 0
        self.length = len(draw(0))

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        places = self.draw(self.epoch)
        self.epoch += 1
        return iter(places.tolist())


class Watch(TrainerCallback):  # type: ignore[misc]
    """Keeps the weights of the pass with the lowest weighted loss on the watched rows, and stops when none is lower.

    Parameters
    ----------
    task : FitTask
    weighted : WeightedLoss
    judged : ndarray
        Weight of each watched element with a target in the comparison of passes, in their order.
    n_outputs, epochs, patience : int
    """

    def __init__(
        self, task: FitTask, weighted: WeightedLoss, judged: NDArray[np.float64], n_outputs: int, epochs: int,
        patience: int,
    ) -> None:  # fmt: skip
        self.weighted, self.judged, self.patience = weighted, judged, patience
        self.late = epochs - max(1, round(epochs * (1 - task.deferred))) if task.deferred else 0
        self.rule: ValidationDriven | None = None
        if task.following is not None:
            rate, limit = task.following
            self.rule = ValidationDriven(np.ones(n_outputs), rate=rate, limit=limit)
        self.lowest, self.waited = np.inf, 0
        self.best: dict[str, Tensor] | None = None

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Say whether weights hold yet; what was best without them is none."""
        even = (state.epoch or 0) + 1e-6 < self.late
        if self.weighted.even and not even:
            self.lowest, self.waited = np.inf, 0
        self.weighted.even = even

    def metrics(self, evaluated: Any) -> dict[str, float]:
        """Weighted loss over all watched elements, from their logits."""
        logits, labels = evaluated.predictions, evaluated.label_ids
        logits = logits[0] if isinstance(logits, tuple) else logits
        flat, truth = _flat(np.asarray(logits), np.asarray(labels))
        with torch.no_grad():
            factors, self.weighted.factors = self.weighted.factors, None
            value = self.weighted.value(
                torch.from_numpy(flat).float(), torch.from_numpy(truth), torch.from_numpy(self.judged).float()
            )
            self.weighted.factors = factors
        if self.rule is not None:
            counts = np.bincount(truth, minlength=flat.shape[1])
            right = np.bincount(truth[flat.argmax(axis=1) == truth], minlength=flat.shape[1])
            self.recall = np.where(counts > 0, right / np.maximum(counts, 1), np.nan)
        return {"watched": float(value)}

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Keep the best, count the others."""
        value = (metrics or {}).get("eval_watched", np.inf)
        self.waited += 1
        if value < self.lowest:
            self.lowest, self.waited = value, 0
            model = kwargs["model"]
            model = getattr(model, "module", model)
            self.best = {key: entry.detach().cpu().clone() for key, entry in model.state_dict().items()}
        if self.waited >= self.patience:
            if self.weighted.even:
                # The weights come now; a pass cannot be skipped, so the loss changes at once.
                self.late, self.lowest, self.waited = 0, np.inf, 0
            else:
                control.should_training_stop = True
        if self.rule is not None:
            self.weighted.factors = np.asarray(self.rule.update(self.recall))


def _flat(logits: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Elements with a target: tokens one after the other, without padding."""
    if logits.ndim < 3:
        return logits, labels
    known = labels != IGNORED
    return logits[known], labels[known]
