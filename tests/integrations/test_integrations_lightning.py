"""Strategies in a real Lightning ``Trainer``: gradients, validation loss, resuming, two processes, and schedules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import lightning.pytorch as pl  # noqa: E402
from lightning_cases import C, N, Tagger, Tokens, counted, fit, loader, strategy_loss  # noqa: E402
from torch.nn import functional  # noqa: E402

import steelyard as sy  # noqa: E402
from steelyard.errors import UsageError  # noqa: E402
from steelyard.integrations.lightning import LossCallback, SamplerLoader, loss_module  # noqa: E402
from steelyard.losses.schedules import ValidationDriven  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")


def off(one: Any, other: Any) -> float:
    return float((one - other).abs().max() / other.abs().max())


def direct(data: Tokens, rows: Any) -> Any:
    """Gradient of the mean over all elements of these rows, by torch alone."""
    tagger = Tagger(None)
    z, y = tagger.layer(data.X[rows]).flatten(0, 1), data.y[rows].flatten()
    keep = y != -100
    log_p = functional.log_softmax(z[keep], 1).gather(1, y[keep][:, None])[:, 0]
    weight = sy.class_weights(counted(data)).as_tensor()[y[keep]]
    (-weight * (1 - log_p.exp()) * log_p).mean().backward()
    return tagger.layer.weight.grad.flatten()


def test_accumulation_gives_the_gradient_of_the_whole_step(tmp_path: Path) -> None:
    data = Tokens()
    rows = loader(data, 8).sampler.draw(0, 0, 20)
    for micro in (8, 2, 1):
        tagger, _ = fit(tmp_path, data, strategy_loss(data), 8, micro)
        assert off(tagger.gradients[0], direct(data, rows[:8])) < 1e-5
    # The last step of an epoch has 8 of 16 rows: Lightning alone divides it by 16 all the same.
    tagger, _ = fit(tmp_path, data, strategy_loss(data), 16, 4, max_steps=-1, max_epochs=1)
    assert len(tagger.gradients) == 2
    alone, _ = fit(tmp_path, data, strategy_loss(data), 16, 8, max_steps=-1, max_epochs=1)
    assert off(tagger.gradients[1], alone.gradients[1]) < 1e-5


def test_a_mean_of_means_is_another_gradient(tmp_path: Path) -> None:
    # The recipe that is passed on: nn.CrossEntropyLoss(weight) in training_step.
    data = Tokens()
    weight = sy.class_weights(counted(data)).as_tensor()

    class Recipe(torch.nn.Module):
        def forward(self, z: Any, y: Any) -> Any:
            return functional.cross_entropy(z.flatten(0, 1), y.flatten(), weight)

    whole, cut = (fit(tmp_path, data, Recipe(), 8, micro, callbacks=[])[0] for micro in (8, 1))
    assert off(cut.gradients[0], whole.gradients[0]) > 0.01


def test_validation_loss_recall_and_schedule(tmp_path: Path) -> None:
    data = Tokens()
    weights = sy.class_weights(counted(data))
    validation = torch.utils.data.DataLoader(data, batch_size=5)

    def run(folder: Path, epochs: int, path: Any = None) -> tuple[Any, Any, Any]:
        loss, schedule = loss_module("inverse", counted(data)), ValidationDriven(weights, rate=1.0)
        keep = pl.callbacks.ModelCheckpoint(folder, save_last=True)
        tagger, trainer = fit(
            folder, data, loss, 8, 8, validation=validation, max_steps=-1, max_epochs=epochs, ckpt_path=path,
            callbacks=[LossCallback(loss, schedule), keep], enable_checkpointing=True,
        )  # fmt: skip
        return tagger, trainer, schedule

    tagger, trainer, schedule = run(tmp_path / "whole", 2)
    assert len(schedule.history) == 2
    assert tagger.loss.loss.weight.tolist() == pytest.approx(schedule.weights_at(0).tolist())
    with torch.no_grad():
        z = tagger.layer(data.X).flatten(0, 1)
    y = data.y.flatten()
    # Validated with the weights of that epoch, which were made after the first one's validation.
    used = torch.tensor(schedule.history[0]["weights"], dtype=torch.float32)
    expected = functional.cross_entropy(z, y, used, reduction="sum").item() / int((y != -100).sum())
    assert trainer.callback_metrics["val_loss"].item() == pytest.approx(expected, rel=1e-5)
    from sklearn.metrics import recall_score

    recall = recall_score(y[y >= 0], z.argmax(1)[y >= 0], average=None)
    found = [trainer.callback_metrics[f"val_recall_{k}"].item() for k in range(C)]
    assert found == pytest.approx(recall.tolist(), rel=1e-5)

    run(tmp_path / "cut", 1)
    again, _, resumed = run(tmp_path / "cut", 2, tmp_path / "cut" / "last.ckpt")
    assert resumed.history == schedule.history
    assert torch.equal(again.layer.weight, tagger.layer.weight)


@pytest.mark.parametrize("stop", [4, 6, 8])
def test_a_checkpoint_resumes_with_the_sampler_in_mid_epoch(stop: int, tmp_path: Path) -> None:
    # Epochs of 6 steps.
    data = Tokens()

    def run(**options: Any) -> Any:
        loss = strategy_loss(data)
        keep = pl.callbacks.ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=stop, save_top_k=-1)
        callbacks = [LossCallback(loss), keep]
        return fit(tmp_path, data, loss, 4, 4, max_steps=10, callbacks=callbacks, enable_checkpointing=True, **options)

    expected, _ = run()
    draw = [row for epoch in range(2) for row in loader(data, 4).sampler.draw(epoch, 0, N).tolist()]
    assert data.asked == draw[:40]
    resumed, _ = run(ckpt_path=tmp_path / f"step={stop}.ckpt")
    # A plain DataLoader begins its epoch anew: rows are seen twice, others never.
    assert data.asked == draw[4 * stop : 40]
    assert torch.equal(resumed.layer.weight, expected.layer.weight)


def test_read_ahead_by_workers_is_not_counted() -> None:
    data = Tokens()
    sampler = sy.samplers.ClassBalancedSampler(data.y[:, 0].numpy(), num_samples=N)
    ahead = SamplerLoader(data, sampler, batch_size=4, num_workers=1, prefetch_factor=4)
    iterator = iter(ahead)
    next(iterator)
    assert ahead.state_dict()["position"] == 4
    assert sampler.state_dict()["position"] > 4


SCRIPT = """
import json, sys, warnings
from pathlib import Path
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
from lightning_cases import *

folder, data = Path(sys.argv[2]), Tokens()
ddp = dict(devices=2, strategy="ddp")
tagger, trainer = fit(folder, data, strategy_loss(data), 8, 2, accumulate_grad_batches=2, **ddp)
found = {"gradient": tagger.gradients[0].tolist(), "rows": list(data.asked)}
class Replacing(pl.Trainer):
    def __init__(self, **options):
        super().__init__(**{**options, "use_distributed_sampler": True})
import lightning_cases
lightning_cases.pl.Trainer = Replacing
try:
    fit(folder, data, strategy_loss(data), 8, 2, **ddp)
except Exception as error:
    found["replaced"] = f"{type(error).__name__}: {error}"
(folder / f"found_{trainer.global_rank}.json").write_text(json.dumps(found))
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
    data = Tokens()
    rows = loader(data, 8).sampler.draw(0, 0, 8)
    for rank, found in enumerate(ranks):
        assert found["rows"][:4] == rows[rank::2].tolist()
        # 2 ranks x 2 micro-batches x 2 rows, with unequal numbers of labels: the gradient of the 8 rows.
        assert off(torch.tensor(found["gradient"]), direct(data, rows)) < 1e-5
        assert found["replaced"].startswith("UsageError: SamplerLoader takes a sampler of steelyard.samplers")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: loss_module("balanced", [0, 1]), "draw with SamplerLoader"),
        (lambda: SamplerLoader(range(3), torch.utils.data.RandomSampler(range(3))), "not a RandomSampler"),
        (lambda: SamplerLoader(range(3), sy.samplers.ClassBalancedSampler([0, 1])), "over 2 rows, but the data have 3"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()
