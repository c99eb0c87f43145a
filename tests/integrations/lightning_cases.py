"""A small LightningModule, and data that note which rows are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import lightning.pytorch as pl  # noqa: E402

import steelyard as sy  # noqa: E402
from steelyard.integrations.lightning import LossCallback, SamplerLoader, loss_module  # noqa: E402

N, C, T = 24, 3, 5


class Tokens(torch.utils.data.Dataset[Any]):
    """Rows of T tokens, of which some have no label."""

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(0)
        self.X = torch.randn(N, T, 4, generator=draw)
        self.y = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), N * T, True, generator=draw).reshape(N, T)
        self.y[torch.rand(N, T, generator=draw) < 0.5] = -100
        self.y[:, 0] = torch.arange(N) % C
        self.asked: list[int] = []

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        self.asked.append(int(row))
        return self.X[row], self.y[row]


class Tagger(pl.LightningModule):
    """What a user writes; keeps the gradients of each step for the tests."""

    def __init__(self, loss: Any) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layer, self.loss = torch.nn.Linear(4, C), loss
        self.gradients: list[Any] = []

    def training_step(self, batch: Any, index: int) -> Any:
        return self.loss(self.layer(batch[0]), batch[1])

    def validation_step(self, batch: Any, index: int) -> None:
        loss = self.loss(self.layer(batch[0]), batch[1])
        self.log("val_loss", loss, batch_size=getattr(self.loss, "items", len(batch[1])), sync_dist=False)

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        self.gradients.append(self.layer.weight.grad.flatten().clone())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def loader(data: Tokens, batch: int, **options: Any) -> Any:
    sampler = sy.samplers.ClassBalancedSampler(data.y[:, 0].numpy(), num_samples=N, replacement=False, **options)
    return SamplerLoader(data, sampler, batch_size=batch)


def fit(folder: Path, data: Tokens, loss: Any, batch: int, micro: int, **options: Any) -> tuple[Any, Any]:
    """Trained module and its trainer."""
    callbacks = options.pop("callbacks", None)
    path, validation = options.pop("ckpt_path", None), options.pop("validation", None)
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[LossCallback(loss)] if callbacks is None else callbacks,
        **{
            "max_steps": 1,
            "enable_checkpointing": False,
            "accumulate_grad_batches": batch // micro,
            "devices": 1,
            **options,
        },
    )
    tagger = Tagger(loss)
    data.asked.clear()
    trainer.fit(tagger, loader(data, micro), validation, ckpt_path=path)
    return tagger, trainer


def counted(data: Tokens) -> Any:
    return sy.count_labels(data.y.numpy().ravel(), classes=range(C), ignore=-100)


def strategy_loss(data: Tokens) -> Any:
    return loss_module("inverse + focal(gamma=1)", counted(data))
