"""Strategies inside Transformers' ``Trainer``: its loss, its train sampler, and recall by class at each evaluation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import TrainerCallback

from steelyard.errors import DataError, UsageError
from steelyard.integrations._recall import IGNORED, class_recall, recall_by_name
from steelyard.integrations._strategy_loss import StrategyLoss
from steelyard.losses.schedules import Schedule, ValidationDriven
from steelyard.strategy import Strategy

__all__ = ["RecallCallback", "TrainerLoss", "TrainerMixin", "loss_function"]


def loss_function(strategy: str | Strategy, counts: Any, id2label: Any = None) -> TrainerLoss:
    """Loss of a strategy for ``Trainer(compute_loss_func=...)``.

    For one label a row, many labels a row (counts of a 0/1 matrix; float labels, NaN or -100 where not known) and
    token classification (-100 on padding). Gradients do not depend on how a step's rows are cut into micro-batches
    and processes: the Trainer says how many items the step has, and the loss divides by that.

    Parameters
    ----------
    strategy : str or Strategy
        Weighting and loss are done. A sampling is refused, with what to do instead (:class:`TrainerMixin`); an
        adjustment or decision is for the trained model's probabilities, and warned of.
    counts : LabelCounts, or anything that :func:`steelyard.count_labels` takes
        Of the training labels, as class names or as indices.
    id2label : mapping or sequence, optional
        ``model.config.id2label``. Counts are brought into its order by name; a class it does not have is an error.

    Returns
    -------
    TrainerLoss

    Raises
    ------
    UsageError
        When the strategy has a sampling, or a loss that is not for this kind of labels.
    DataError
        When a counted class is not among the model's.

    Examples
    --------
    >>> loss = loss_function("inverse + focal(gamma=2)", {"rare": 10, "common": 90}, id2label=["common", "rare"])
    >>> loss.classes, [round(weight, 2) for weight in loss.loss.weight.tolist()]
    (('common', 'rare'), [0.56, 5.0])
    >>> round(loss({"logits": torch.zeros(2, 2)}, torch.tensor([1, -100])).item(), 4)
    0.8664
    """
    return TrainerLoss(strategy, counts, id2label)


class TrainerLoss(StrategyLoss):
    """Loss of a strategy, called as the Trainer calls a ``compute_loss_func``; made by :func:`loss_function`."""

    sampler_advice = "mix TrainerMixin into the Trainer and give it train_sampler="

    def __init__(self, strategy: str | Strategy, counts: Any, id2label: Any = None) -> None:
        super().__init__(strategy, counts, id2label)
        #: Whether unknown labels are left out of ``num_items_in_batch``.
        self.counted_by_mixin = False
        self._seen: list[Tensor] | None = None

    def forward(self, outputs: Any, labels: Tensor | None, num_items_in_batch: Tensor | float | None = None) -> Tensor:  # type: ignore[override]
        """Loss of a micro-batch.

        Parameters
        ----------
        outputs : ModelOutput, mapping or tuple
            What the model gave: its ``logits``, or its first entry.
        labels : Tensor
        num_items_in_batch : Tensor or int, optional
            Elements of the whole step (in evaluation: of the batch) that are not -100. Without it, the mean is over
            this micro-batch's own.
        """
        if labels is None:
            raise UsageError("the batch has no labels: call the column 'labels', or say so with label_names=")
        logits: Tensor = outputs["logits"] if isinstance(outputs, Mapping) else outputs[0]
        items = None
        if num_items_in_batch is not None:
            items = torch.as_tensor(num_items_in_batch, device=logits.device).reshape(-1)[0]
            # A step of nothing but padding has loss 0, whatever it is divided by.
            items = items.clamp(min=1)
            self._warn_of_unknown(labels)
        loss = super().forward(logits, labels, num_items=items)
        if self._seen is not None and not torch.is_grad_enabled():
            own = self.count(labels).double()
            total = loss.double() * (own.clamp(min=1) if items is None else items)
            self._seen.append(torch.stack([total, own]))
        return loss

    def start_evaluation(self) -> None:
        """Begin to add up the losses of an evaluation."""
        self._seen = []

    def evaluated(self) -> Tensor:
        """Sum of the losses since :meth:`start_evaluation`, and number of elements: float64 of shape (2,)."""
        seen, self._seen = self._seen, None
        return torch.stack(seen).sum(0) if seen else torch.zeros(2, dtype=torch.float64)

    def _warn_of_unknown(self, labels: Tensor) -> None:
        if not self.counted_by_mixin and labels.is_floating_point() and bool(labels.isnan().any()):
            warnings.warn(
                "unknown labels are NaN, which the Trainer counts as items, so that the mean is too small: mix "
                "TrainerMixin into the Trainer, or write them as -100",
                UserWarning,
                stacklevel=3,
            )


class TrainerMixin:
    """What a loss function alone cannot do in a Trainer: ``class MyTrainer(TrainerMixin, Trainer)``.

    - ``train_sampler`` draws the training rows. It reaches all processes (accelerate deals out its batches), is told
      the epoch, and a checkpoint taken in mid-epoch goes on with the next row.
    - Unknown labels (NaN) are not counted as items.
    - ``eval_loss`` is the mean over all elements, where the Trainer takes a mean of means: of batches with more or
      less padding. (In several processes the rows that accelerate repeats to fill the last batch count twice, as they
      do in the Trainer's own.)

    Parameters
    ----------
    train_sampler : LoaderSampler, optional
        A sampler of ``steelyard.samplers`` over the rows of the train data, made with ``rank=0, world_size=1``.

    Raises
    ------
    UsageError
        When the sampler takes a share of the rows for its own process: accelerate would take a share of that share.
    DataError
        When it is not over as many rows as the train data have.
    """

    def __init__(self, *args: Any, train_sampler: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.train_sampler = train_sampler
        if isinstance(loss := getattr(self, "compute_loss_func", None), TrainerLoss):
            loss.counted_by_mixin = True
        if train_sampler is not None:
            self.add_callback(_TellEpoch(train_sampler))  # type: ignore[attr-defined]

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.train_sampler is None:
            return super()._get_train_sampler(train_dataset)  # type: ignore[misc]
        data = self.train_dataset if train_dataset is None else train_dataset  # type: ignore[attr-defined]
        if self.train_sampler.world_size != 1:
            raise UsageError(
                "the train sampler takes this process's share of the rows, of which accelerate would take a share once "
                "more: make it with rank=0, world_size=1"
            )
        if self.train_sampler.n_rows != len(data):
            raise DataError(
                f"the train sampler is over {self.train_sampler.n_rows} rows, but the train data have {len(data)}"
            )
        return self.train_sampler

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: Any) -> Any:
        def without_unknown(batch: Any) -> Any:
            labels = batch.get("labels") if isinstance(batch, Mapping) else None
            if not isinstance(labels, Tensor) or not labels.is_floating_point():
                return batch
            return {**batch, "labels": labels.nan_to_num(nan=float(IGNORED))}

        return super()._get_num_items_in_batch([without_unknown(batch) for batch in batch_samples], device)  # type: ignore[misc]

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """The Trainer's loop, with ``eval_loss`` as the mean over all elements."""
        loss = getattr(self, "compute_loss_func", None)
        if not isinstance(loss, TrainerLoss):
            return super().evaluation_loop(*args, **kwargs)  # type: ignore[misc]
        loss.start_evaluation()
        output = super().evaluation_loop(*args, **kwargs)  # type: ignore[misc]
        total, count = self.accelerator.reduce(loss.evaluated().to(self.args.device), "sum").tolist()  # type: ignore[attr-defined]
        prefix = kwargs.get("metric_key_prefix", "eval")
        if count and f"{prefix}_loss" in output.metrics:
            output.metrics[f"{prefix}_loss"] = total / count
        return output


class _TellEpoch(TrainerCallback):  # type: ignore[misc]
    """Tells a sampler its epoch, also after resuming, where the loader's own way does not reach it."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Set the epoch before its first row is drawn."""
        self.sampler.set_epoch(int((state.epoch or 0) + 1e-6))


class RecallCallback(TrainerCallback):  # type: ignore[misc]
    """Recall of each class at each evaluation, and a weight schedule that may follow it.

    Give it twice: ``Trainer(compute_metrics=recall.compute_metrics, callbacks=[recall])``. The recalls are logged as
    ``eval_recall_<class>`` and ``eval_macro_recall``; a class without validation rows is left out. After a resume the
    schedule is where it was: it is played again from the checkpoint's log.

    Parameters
    ----------
    loss : TrainerLoss
    schedule : Schedule, optional
        One of ``steelyard.losses.schedules``: moved at each epoch's begin, a ``ValidationDriven`` one at evaluations.
    prefix : str, default "eval"
        Of the metrics to follow: with several evaluation sets, ``"eval_<name>"``.
    """

    def __init__(self, loss: TrainerLoss, schedule: Schedule | None = None, prefix: str = "eval") -> None:
        self.loss, self.schedule, self.prefix = loss, schedule, prefix

    def compute_metrics(self, evaluated: Any) -> dict[str, float]:
        """Recall by class, from an ``EvalPrediction`` of logits (or classes) and labels."""
        logits = evaluated.predictions
        logits = logits[0] if isinstance(logits, tuple) else logits
        found = class_recall(np.asarray(logits), np.asarray(evaluated.label_ids), self.loss)
        return recall_by_name(found, self.loss.classes)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Bring the schedule to where the log left it."""
        if isinstance(self.schedule, ValidationDriven):
            self.schedule.history.clear()
            for entry in state.log_history:
                self._follow(entry)
        if self.schedule is not None:
            self.schedule.apply(self.loss, int(state.epoch or 0))

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Weights of the epoch."""
        if self.schedule is not None:
            self.schedule.apply(self.loss, int((state.epoch or 0) + 1e-6))

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Weights after what the evaluation found."""
        if isinstance(self.schedule, ValidationDriven) and self._follow(metrics or {}):
            self.schedule.apply(self.loss, int(state.epoch or 0))

    def _follow(self, metrics: Mapping[str, Any]) -> bool:
        assert isinstance(self.schedule, ValidationDriven)
        found = [metrics.get(f"{self.prefix}_recall_{name}", float("nan")) for name in self.loss.classes]
        if np.isnan(found).all():
            return False
        self.schedule.update(found)
        return True
