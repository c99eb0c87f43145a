"""Strategies in a real ``Trainer``: gradients, evaluation loss, resuming, two processes, and schedules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

from torch.nn import functional  # noqa: E402
from trainer_cases import (  # noqa: E402
    BalancedTrainer,
    Rows,
    arguments,
    first_gradient,
    model,
    off,
    pad,
    synthetic,
)

import steelyard as sy  # noqa: E402
from steelyard.errors import DataError  # noqa: E402
from steelyard.integrations.transformers import RecallCallback, loss_function  # noqa: E402
from steelyard.losses.schedules import Deferred, ValidationDriven  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")
STRATEGIES = {"single": "inverse + logit_adjusted(tau=1)", "multi": "inverse", "tokens": "sqrt + focal(gamma=2)"}


def counts_of(data: Rows, kind: str, n_classes: int = 3) -> Any:
    if kind == "multi":
        return sy.count_labels(torch.stack(list(data.labels)).numpy())
    flat = torch.cat([torch.as_tensor(row).reshape(-1) for row in data.labels]).numpy()
    return sy.count_labels(flat, classes=range(n_classes), ignore=-100)


def row_labels(data: Rows, kind: str) -> Any:
    """One label a row, to draw rows by."""
    return [int(torch.as_tensor(row).reshape(-1)[0] > 0) for row in data.labels]


@pytest.mark.parametrize("kind", ["single", "multi", "tokens"])
def test_accumulation_gives_the_gradient_of_the_whole_batch(kind: str, tmp_path: Path) -> None:
    data = synthetic(kind, missing=True)
    loss = loss_function(STRATEGIES[kind], counts_of(data, kind))
    sampler = sy.samplers.ClassBalancedSampler(row_labels(data, kind), rank=0, world_size=1)
    whole, cut = (first_gradient(tmp_path, kind, data, loss, 8, micro, sampler, 3) for micro in (8, 2))
    assert off(cut, whole) < 1e-5


def test_a_weighted_mean_under_accumulation_is_another_gradient(tmp_path: Path) -> None:
    # The recipe that is passed on: nn.CrossEntropyLoss(weight) over each micro-batch.
    data = synthetic("tokens")
    weight = sy.class_weights(counts_of(data, "tokens")).as_tensor()

    def recipe(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        return functional.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten(), weight)

    sampler = sy.samplers.ClassBalancedSampler(row_labels(data, "tokens"), rank=0, world_size=1)
    whole, cut = (first_gradient(tmp_path, "tokens", data, recipe, 8, micro, sampler, 3) for micro in (8, 2))
    assert off(cut, whole) > 0.5
    assert off(cut / 4, whole) > 0.01


def evaluate(folder: Path, kind: str, data: Rows, cls: Any, loss: Any, **options: Any) -> dict[str, float]:
    trainer = cls(
        model=model(kind),
        args=arguments(folder, per_device_eval_batch_size=5),
        eval_dataset=data,
        data_collator=pad,
        compute_loss_func=loss,
        **options,
    )
    return dict(trainer.evaluate())


@pytest.mark.parametrize("kind", ["single", "multi", "tokens"])
def test_evaluation_loss_is_the_weighted_mean_over_all_elements(kind: str, tmp_path: Path) -> None:
    data = synthetic(kind, n=23, missing=True)
    counts = counts_of(data, kind)
    batch = pad([data[row] for row in range(len(data))])
    labels = batch.pop("labels")
    with torch.no_grad():
        logits = model(kind)(**batch).logits
    if kind == "multi":
        known = ~labels.isnan()
        weights = torch.as_tensor(sy.sample_weights(labels.numpy(), sy.class_weights(counts), per="label"))
        parts = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), weights, reduction="none")
        expected, plain = parts[known].mean().item(), None
    else:
        weight = sy.class_weights(counts).as_tensor()
        total = functional.cross_entropy(logits.flatten(0, -2), labels.flatten(), weight, reduction="sum")
        expected = total.item() / int((labels != -100).sum())
        plain = functional.cross_entropy(logits.flatten(0, -2), labels.flatten()).item()
    found = evaluate(tmp_path, kind, data, BalancedTrainer, loss_function("inverse", counts))["eval_loss"]
    assert found == pytest.approx(expected, rel=1e-5)
    if kind == "tokens":
        # The Trainer alone: a mean of batches' means, whatever their padding.
        alone = evaluate(tmp_path, kind, data, transformers.Trainer, loss_function("inverse", counts))["eval_loss"]
        assert abs(alone - expected) > 1e-4 * expected
    if kind == "single":
        # Weights in training only, as where the model's own loss is evaluated: the unweighted number.
        assert evaluate(tmp_path, kind, data, transformers.Trainer, None)["eval_loss"] == pytest.approx(plain, rel=1e-5)
        assert abs(plain - expected) > 1e-3 * expected


def trained(folder: Path, data: Rows, steps: int, resume: bool = False, **options: Any) -> tuple[Any, list[int]]:
    """Weights after training, and the rows that were drawn, in order."""
    labels = row_labels(data, "single")
    data.asked.clear()
    trainer = BalancedTrainer(
        model=model("single"),
        args=arguments(
            folder, per_device_train_batch_size=3, max_steps=steps, save_strategy="steps", save_steps=5, **options
        ),
        train_dataset=data,
        data_collator=pad,
        compute_loss_func=loss_function("inverse", counts_of(data, "single")),
        train_sampler=sy.samplers.ClassBalancedSampler(labels, num_samples=9, rank=0, world_size=1, replacement=False),
    )
    trainer.train(resume_from_checkpoint=resume)
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()]), list(data.asked)


def test_a_checkpoint_resumes_with_the_sampler_in_mid_epoch(tmp_path: Path) -> None:
    # Epochs of 3 steps; the checkpoint is at step 5, in the middle of the second.
    data = synthetic("single")
    expected, rows = trained(tmp_path / "whole", data, 8)
    first, before = trained(tmp_path / "cut", data, 5)
    assert off(first, expected) > 1e-4
    last, after = trained(tmp_path / "cut", data, 8, resume=True)
    assert torch.equal(last, expected)
    alone = sy.samplers.ClassBalancedSampler(row_labels(data, "single"), num_samples=9, replacement=False)
    draw = [row for epoch in range(3) for row in alone.draw(epoch, 0, 9).tolist()]
    assert rows[:24] == draw[:24]
    assert before[:15] == draw[:15]
    assert after[:9] == draw[15:24]


SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
import steelyard as sy
from trainer_cases import *
from steelyard.integrations.transformers import loss_function

folder = Path(sys.argv[2])
data = synthetic("tokens")
counts = sy.count_labels(torch.cat(list(data.labels)).numpy(), classes=range(3), ignore=-100)
labels = [int(row[0] > 0) for row in data.labels]
labels[::5] = [1] * len(labels[::5])

def train(steps, micro, resume=False, **sampler):
    kept = KeepGradients()
    data.asked.clear()
    sampler = sy.samplers.ClassBalancedSampler(labels, num_samples=24, replacement=False, **sampler)
    trainer = BalancedTrainer(
        model=model("tokens"), train_dataset=data, eval_dataset=data, data_collator=pad, train_sampler=sampler,
        callbacks=[kept], compute_loss_func=loss_function("inverse", counts),
        args=arguments(folder, per_device_train_batch_size=micro, max_steps=steps, save_strategy="steps", save_steps=5,
                       ddp_find_unused_parameters=False, per_device_eval_batch_size=4))
    if steps == 0:
        return trainer.evaluate()["eval_loss"]
    trainer.train(resume_from_checkpoint=resume)
    return trainer, kept.steps, list(data.asked)

rank0 = dict(rank=0, world_size=1)
before = train(0, 4, **rank0)
trainer, gradients, rows = train(5, 4, **rank0)
world = trainer.args.world_size
found = {
    "eval_loss": before,
    "gradient": gradients[0].tolist(),
    "rows": rows,
    "resumed": train(8, 4, resume=True, **rank0)[2],
}
if world > 1:
    try:
        train(1, 4)
    except Exception as error:
        found["shared twice"] = f"{type(error).__name__}: {error}"
(folder / f"found_{trainer.args.process_index}.json").write_text(json.dumps(found))
if world > 1:
    torch.distributed.destroy_process_group()
"""


def test_two_processes(tmp_path: Path) -> None:
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("torch was built without gloo")
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = subprocess.run(
        [*command, str(Path(__file__).parent), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ranks = [json.loads((tmp_path / f"found_{rank}.json").read_text()) for rank in range(2)]

    data = synthetic("tokens")
    counts = counts_of(data, "tokens")
    labels = row_labels(data, "tokens")
    labels[::5] = [1] * len(labels[::5])
    sampler = sy.samplers.ClassBalancedSampler(labels, num_samples=24, replacement=False, rank=0, world_size=1)
    loss = loss_function("inverse", counts)
    alone = first_gradient(tmp_path / "alone", "tokens", data, loss, 8, 8, sampler, 3)
    exact = evaluate(tmp_path, "tokens", data, BalancedTrainer, loss)
    for rank in ranks:
        assert off(torch.tensor(rank["gradient"]), alone) < 1e-5
        # Both processes know the loss of all rows.
        assert rank["eval_loss"] == pytest.approx(exact["eval_loss"], rel=1e-5)
        assert rank["shared twice"].startswith("UsageError: the train sampler takes this process's share")
    # Steps of 8 rows: 4 for each process in turn; 3 steps an epoch.
    draw = np.concatenate([sampler.draw(epoch, 0, 24).reshape(-1, 2, 4) for epoch in range(3)])
    for rank, found in enumerate(ranks):
        assert found["rows"][: 5 * 4] == draw[:5, rank].ravel().tolist()
        assert found["resumed"][: 3 * 4] == draw[5:8, rank].ravel().tolist()


def test_recall_is_logged_and_drives_the_weights_also_after_resuming(tmp_path: Path) -> None:
    data = synthetic("single")
    counts = counts_of(data, "single")

    def run(folder: Path, epochs: int, resume: bool = False) -> tuple[Any, Any, Any]:
        loss = loss_function("inverse", counts, id2label=["common", "rare", "rarest"])
        schedule = ValidationDriven(sy.class_weights(counts), rate=1.0)
        recall = RecallCallback(loss, schedule)
        trainer = BalancedTrainer(
            model=model("single"),
            args=arguments(
                folder, per_device_train_batch_size=8, num_train_epochs=epochs, eval_strategy="epoch",
                save_strategy="epoch", logging_strategy="epoch",
            ),
            train_dataset=data,
            eval_dataset=data,
            data_collator=pad,
            compute_loss_func=loss,
            compute_metrics=recall.compute_metrics,
            callbacks=[recall],
            train_sampler=sy.samplers.ClassBalancedSampler(row_labels(data, "single"), rank=0, world_size=1),
        )  # fmt: skip
        trainer.train(resume_from_checkpoint=resume)
        return trainer, schedule, loss

    trainer, schedule, loss = run(tmp_path / "whole", 3)
    assert len(schedule.history) == 3
    assert loss.loss.weight.tolist() == pytest.approx(schedule.weights_at(0).tolist())
    assert schedule.weights_at(0).tolist() != sy.class_weights(counts).as_array().tolist()
    logged = [entry for entry in trainer.state.log_history if "eval_recall_rarest" in entry]
    predictions = trainer.predict(data)
    from sklearn.metrics import recall_score

    expected = recall_score(predictions.label_ids, predictions.predictions.argmax(1), average=None)
    assert [logged[-1][f"eval_recall_{name}"] for name in loss.classes] == pytest.approx(expected.tolist())
    assert logged[-1]["eval_macro_recall"] == pytest.approx(expected.mean())

    run(tmp_path / "cut", 2)
    again, resumed, _ = run(tmp_path / "cut", 3, resume=True)
    assert resumed.history == schedule.history
    for one, other in zip(again.model.parameters(), trainer.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_deferred_weights_begin_in_their_epoch(tmp_path: Path) -> None:
    data = synthetic("single")
    loss = loss_function("do_nothing", counts_of(data, "single"))
    callback = RecallCallback(loss, Deferred([1.0, 2.0, 3.0], start=1))
    state = transformers.TrainerState(epoch=0.0)
    for epoch, expected in ((0.0, [1, 1, 1]), (1.0, [1, 2, 3])):
        state.epoch = epoch
        callback.on_epoch_begin(None, state, None)
        assert loss.loss.weight.tolist() == expected


def test_a_sampler_over_other_rows_is_refused(tmp_path: Path) -> None:
    data = synthetic("single")
    loss = loss_function("inverse", counts_of(data, "single"))
    sampler = sy.samplers.ClassBalancedSampler([0, 1], rank=0, world_size=1)
    with pytest.raises(DataError, match="over 2 rows, but the train data have 24"):
        first_gradient(tmp_path, "single", data, loss, 8, 8, sampler, 3)
