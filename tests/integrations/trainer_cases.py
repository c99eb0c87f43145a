"""Small Transformers models with random weights, data of unequal lengths, and Trainers for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

from steelyard.integrations.transformers import TrainerMixin  # noqa: E402

VOCABULARY = 200
KINDS = {
    "single": "BertForSequenceClassification",
    "multi": "BertForSequenceClassification",
    "tokens": "BertForTokenClassification",
}


class BalancedTrainer(TrainerMixin, transformers.Trainer):
    """What a user writes."""


class Rows(torch.utils.data.Dataset):
    """Token ids of unequal length, and labels; notes which rows are asked for."""

    def __init__(self, ids: Sequence[Any], labels: Sequence[Any]) -> None:
        self.ids, self.labels, self.asked = ids, labels, []

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> dict[str, Any]:
        self.asked.append(int(row))
        return {"input_ids": self.ids[row], "labels": self.labels[row]}


def pad(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Batch padded to its own longest row, so that micro-batches are padded unequally."""
    sequences = [torch.as_tensor(row["input_ids"]) for row in rows]
    ids = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)
    labels = [torch.as_tensor(row["labels"]) for row in rows]
    per_token = labels[0].dim() == 1 and not labels[0].is_floating_point()
    together = (
        torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
        if per_token
        else torch.stack(labels)
    )
    return {"input_ids": ids, "attention_mask": (ids > 0).long(), "labels": together}


def synthetic(kind: str, n: int = 24, n_classes: int = 3, missing: bool = False) -> Rows:
    """Rows whose tokens say a little about their labels; half of the tokens have none, as parts of words."""
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, 17, (n,), generator=draw).tolist()
    ids = [torch.randint(1, VOCABULARY, (length,), generator=draw) for length in lengths]
    shares = torch.tensor([0.7, 0.2, 0.1][:n_classes])
    if kind == "tokens":
        labels = [torch.multinomial(shares, length, True, generator=draw) for length in lengths]
        for row in labels:
            row[torch.rand(len(row), generator=draw) < 0.5] = -100
            row[0] = 0
    elif kind == "multi":
        labels = list((torch.rand(n, n_classes, generator=draw) < shares).float())
        if missing:
            for row in labels[::3]:
                row[1] = float("nan")
    else:
        labels = list(torch.multinomial(shares, n, True, generator=draw))
        labels[:n_classes] = list(torch.arange(n_classes))
    return Rows(ids, labels)


def model(kind: str, n_classes: int = 3, names: Sequence[str] | None = None) -> Any:
    """The same random weights each time; no dropout, so that runs can be compared."""
    names = names or [f"c{k}" for k in range(n_classes)]
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    torch.manual_seed(1)
    made = getattr(transformers, KINDS[kind])(config)
    with torch.no_grad():
        # A freshly made classifier gives logits near 0, where all losses look alike.
        made.classifier.weight.mul_(30)
    return made


def arguments(folder: Path, **options: Any) -> Any:
    return transformers.TrainingArguments(
        output_dir=str(folder),
        **{
            "use_cpu": True,
            "report_to": [],
            "disable_tqdm": True,
            "dataloader_pin_memory": False,
            "save_strategy": "no",
            "logging_strategy": "no",
            "max_grad_norm": 1e9,
            "optim": "sgd",
            "learning_rate": 0.1,
            "lr_scheduler_type": "constant",
            **options,
        },
    )


class KeepGradients(transformers.TrainerCallback):
    """Gradients of each optimiser step, as one vector."""

    def __init__(self) -> None:
        self.steps: list[Any] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        self.steps.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))


def first_gradient(
    folder: Path, kind: str, data: Rows, loss: Callable[..., Any], batch: int, micro: int, sampler: Any, n_classes: int
) -> Any:
    """Gradient of the first step over ``batch`` rows, cut into micro-batches of ``micro``."""
    kept = KeepGradients()
    trainer = BalancedTrainer(
        model=model(kind, n_classes),
        args=arguments(
            folder, per_device_train_batch_size=micro, gradient_accumulation_steps=batch // micro, max_steps=1
        ),
        train_dataset=data,
        data_collator=pad,
        compute_loss_func=loss,
        train_sampler=sampler,
        callbacks=[kept],
    )
    trainer.train()
    return kept.steps[0]


def off(one: Any, other: Any) -> float:
    """Largest difference, as a share of the largest entry."""
    return float((one - other).abs().max() / other.abs().max())
