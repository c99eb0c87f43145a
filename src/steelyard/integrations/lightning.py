"""Strategies inside Lightning: a loss that is right under accumulation and DDP, recall by class, a resumable loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback
from torch import Tensor
from torch.utils.data import DataLoader

from steelyard.errors import UsageError
from steelyard.integrations._recall import hits_and_support, recall_by_name, recall_of
from steelyard.integrations._strategy_loss import StrategyLoss
from steelyard.losses.schedules import Schedule, ValidationDriven
from steelyard.samplers import LoaderSampler
from steelyard.strategy import Strategy

__all__ = ["LightningLoss", "LossCallback", "SamplerLoader", "loss_module"]


def loss_module(strategy: str | Strategy, counts: Any) -> LightningLoss:
    """Loss of a strategy for a ``LightningModule``, together with :class:`LossCallback`.

    Parameters
    ----------
    strategy : str or Strategy
        Weighting and loss are done. A sampling is refused, with what to do instead (:class:`SamplerLoader`); an
        adjustment or decision is for the trained model's probabilities, and warned of.
    counts : LabelCounts, or anything that :func:`steelyard.count_labels` takes
        Of the training labels, in the model's order of classes. Counts of a 0/1 matrix: many labels a row.

    Returns
    -------
    LightningLoss

    Raises
    ------
    UsageError
        When the strategy has a sampling, or a loss that is not for this kind of labels.

    Examples
    --------
    >>> loss = loss_module("inverse", [0] * 90 + [1] * 10)
    >>> round(loss.eval()(torch.zeros(2, 2), torch.tensor([1, -100])).item(), 4)
    3.4657
    """
    return LightningLoss(strategy, counts)


class LightningLoss(StrategyLoss):
    """Loss of a strategy that counts what it has seen; made by :func:`loss_module`.

    Lightning averages the losses of micro-batches and of ranks, whatever number of elements each has. In training
    this loss divides by one number throughout, and :class:`LossCallback` puts the gradients of the finished step on
    the number of elements the step really had. In validation it is the batch's own mean: log it with
    ``self.log("val_loss", loss, batch_size=self.loss.items)``, so that Lightning weights batches by their elements.
    """

    sampler_advice = "draw with SamplerLoader and a sampler of steelyard.samplers"

    def __init__(self, strategy: str | Strategy, counts: Any) -> None:
        super().__init__(strategy, counts)
        self._items: Tensor | None = None
        #: What training losses are divided by: the elements a rank had in the first batch, on average.
        self.nominal: float | None = None
        # Not buffers: DDP would overwrite a rank's own counts by those of rank 0.
        self._step_items: Tensor | None = None
        self._recall: np.ndarray[Any, np.dtype[np.float64]] | None = None

    @property
    def items(self) -> int:
        """Elements of the last batch that had a target."""
        return 0 if self._items is None else int(self._items)

    def forward(
        self,
        logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
        num_items: Tensor | float | None = None,
    ) -> Tensor:
        """Loss of a micro-batch; see :meth:`StrategyLoss.forward`. With ``num_items`` nothing is counted."""
        items = self.count(target).detach()
        self._items = items
        training = self.training and torch.is_grad_enabled()
        if training and num_items is None:
            if self.nominal is None:
                self.nominal = max(_over_ranks(items.double()).item() / _world_size(), 1.0)
            self._step_items = items if self._step_items is None else self._step_items + items
            num_items = self.nominal
        elif self._recall is not None and not training:
            found, labels = logits.detach().float().cpu().numpy(), target.detach().cpu().numpy()
            self._recall += hits_and_support(found, labels, self)
        return super().forward(logits, target, sample_weight, num_items)


class LossCallback(Callback):  # type: ignore[misc]
    """What :class:`LightningLoss` needs from the Trainer, recall of each class, and a weight schedule.

    - Before each optimiser step the gradients are put on the number of elements of the whole step: over all
      micro-batches and ranks. It holds for a model with one optimiser whose whole training loss is this one.
    - After each validation ``val_recall_<class>`` and ``val_macro_recall`` are logged, over all ranks.
    - A schedule of ``steelyard.losses.schedules`` is moved: at each epoch's begin, a ``ValidationDriven`` one after
      each validation; it is part of the checkpoint.

    Parameters
    ----------
    loss : LightningLoss
    schedule : Schedule, optional
    """

    def __init__(self, loss: LightningLoss, schedule: Schedule | None = None) -> None:
        self.loss, self.schedule = loss, schedule

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Weights of the epoch."""
        if self.schedule is not None:
            self.schedule.apply(self.loss, trainer.current_epoch)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Divide by the elements that the step had, in place of those that were assumed."""
        loss = self.loss
        if loss._step_items is None or loss.nominal is None:
            return
        total = max(float(_over_ranks(loss._step_items.double())), 1.0)
        loss._step_items = None
        factor = loss.nominal * trainer.accumulate_grad_batches * trainer.world_size / total
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        torch._foreach_mul_(gradients, factor)

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to count."""
        self.loss._recall = np.zeros((2, len(self.loss.classes)))

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the recalls, and let the schedule follow them."""
        counted, self.loss._recall = self.loss._recall, None
        if trainer.sanity_checking or counted is None:
            return
        recall = recall_of(_over_ranks(torch.as_tensor(counted, device=pl_module.device)).cpu().numpy())
        named = recall_by_name(recall, self.loss.classes)
        pl_module.log_dict({f"val_{name}": value for name, value in named.items()}, rank_zero_only=False)
        if isinstance(self.schedule, ValidationDriven) and named and trainer.state.fn == "fit":
            self.schedule.update(recall)
            self.schedule.apply(self.loss, trainer.current_epoch)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        schedule = self.schedule.state_dict() if isinstance(self.schedule, ValidationDriven) else None
        return {"nominal": self.loss.nominal, "schedule": schedule}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.loss.nominal = state["nominal"]
        if isinstance(self.schedule, ValidationDriven) and state["schedule"] is not None:
            self.schedule.load_state_dict(state["schedule"])


class SamplerLoader(DataLoader[Any]):
    """``DataLoader`` over a sampler of ``steelyard.samplers`` that a checkpoint resumes with the next row.

    Lightning saves and restores it by itself. Use ``Trainer(use_distributed_sampler=False)``: the sampler knows its
    rank, and Lightning would take a share of its share.

    Parameters
    ----------
    dataset : Dataset
    sampler : LoaderSampler
    **options
        Further arguments of a ``DataLoader``: ``batch_size``, ``num_workers``, ``drop_last``, ...

    Raises
    ------
    UsageError
        When the sampler is another one, not over as many rows as the data have, or was replaced.
    """

    def __init__(self, dataset: Any, sampler: Any, **options: Any) -> None:
        if not isinstance(sampler, LoaderSampler):
            raise UsageError(
                f"SamplerLoader takes a sampler of steelyard.samplers, not a {type(sampler).__name__}; under DDP set "
                "Trainer(use_distributed_sampler=False), or Lightning replaces it"
            )
        if sampler.n_rows != len(dataset):
            raise UsageError(f"the sampler is over {sampler.n_rows} rows, but the data have {len(dataset)}")
        super().__init__(dataset, sampler=sampler, **options)
        self._rows_used, self._epoch = 0, sampler.epoch

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Batches from where the sampler stands."""
        sampler: LoaderSampler = self.sampler  # type: ignore[assignment]
        size, end = self.batch_size or 1, len(sampler)
        self._rows_used, self._epoch = sampler._start, sampler.epoch
        for batch in super().__iter__():
            # Before it is handed out: who asks for the state has this batch, or has used it.
            self._rows_used = min(self._rows_used + size, end)
            yield batch
        self._rows_used, self._epoch = 0, sampler.epoch

    def state_dict(self) -> dict[str, Any]:
        """Where the loop stands, whatever the workers have read ahead."""
        sampler: LoaderSampler = self.sampler  # type: ignore[assignment]
        return sampler.state_dict(epoch=self._epoch, consumed=self._rows_used)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.sampler.load_state_dict(state)  # type: ignore[attr-defined]


def _world_size() -> int:
    distributed = torch.distributed
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _over_ranks(value: Tensor) -> Tensor:
    """Sum over all ranks."""
    if _world_size() > 1:
        value = value.clone()
        torch.distributed.all_reduce(value)
    return value
