"""However a batch is cut up: with ``num_items`` micro-batches, padding and ranks change nothing."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from losses_torch_cases import batch, every_loss, gradient, make  # noqa: E402

from steelyard.losses import CrossEntropy  # noqa: E402
from steelyard.losses.torch._base import TorchLoss  # noqa: E402
from steelyard.losses.torch._elementwise import SigmoidLoss  # noqa: E402
from steelyard.losses.torch._regions import RegionLoss  # noqa: E402

pytestmark = pytest.mark.usefixtures("device")

CUTS = (0, 3, 4, 12, 20)


def items(cls: type[TorchLoss], y: torch.Tensor) -> int:
    """Valid elements of a target: labels, examples of regions, else class indices."""
    if issubclass(cls, SigmoidLoss):
        return int((~y.isnan()).sum())
    return len(y) if issubclass(cls, RegionLoss) else int((y != -100).sum())


@every_loss
def test_unequal_micro_batches(cls: type[TorchLoss]) -> None:
    z, y = batch(cls, 20, torch.float32)
    if not issubclass(cls, RegionLoss):
        y[5:9] = float("nan") if y.is_floating_point() else -100
    loss = make(cls, weight=[0.5, 1.0, 4.0])
    whole = gradient(lambda z: loss(z, y), z)
    total = items(cls, y)
    for number in (total, torch.tensor(total)):
        parts = [
            gradient(lambda z, a=a, b=b, number=number: loss(z, y[a:b], num_items=number), z[a:b])
            for a, b in pairwise(CUTS)
        ]
        assert (torch.cat(parts) - whole).abs().max() <= 1e-6 * whole.abs().max()


def test_without_num_items_unequal_cuts_differ() -> None:
    # pytorch #72047: gradients off by up to 114 % of the largest, for torch always.
    z, y = batch(CrossEntropy, 20)
    loss = CrossEntropy()
    whole = gradient(lambda z: loss(z, y), z)
    parts = [gradient(lambda z, a=a, b=b: loss(z, y[a:b]), z[a:b]) / 4 for a, b in pairwise(CUTS)]
    assert (torch.cat(parts) - whole).abs().max() > 0.5 * whole.abs().max()
    equal = [gradient(lambda z, a=a: loss(z, y[a : a + 5]), z[a : a + 5]) / 4 for a in (0, 5, 10, 15)]
    torch.testing.assert_close(torch.cat(equal), whole)


def test_weighted_mean_takes_the_weight_of_the_step() -> None:
    z, y = batch(CrossEntropy, 20)
    weight = torch.tensor([0.5, 1.0, 4.0])
    loss = CrossEntropy(weight, reduction="weighted_mean")
    total = weight[y].sum()
    parts = sum(loss(z[a:b], y[a:b], num_items=total) for a, b in pairwise(CUTS))
    torch.testing.assert_close(parts, loss(z, y))


@every_loss
def test_padding_changes_nothing(cls: type[TorchLoss]) -> None:
    z, y = batch(cls, 6)
    fill = float("nan") if y.is_floating_point() else -100
    longer = torch.cat([z, torch.full_like(z[:2], 0.7)]), torch.cat([y, torch.full_like(y[:2], fill)])
    for reduction in ("mean", "weighted_mean", "sum"):
        loss = make(cls, weight=[0.5, 1.0, 4.0], reduction=reduction)
        torch.testing.assert_close(loss(*longer), loss(z, y))
        slope = gradient(lambda z, loss=loss: loss(z, longer[1]), longer[0])
        torch.testing.assert_close(slope[:6], gradient(lambda z, loss=loss: loss(z, y), z))
        assert (slope[6:] == 0).all()


RANK = """
import os, torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from steelyard.losses import CrossEntropy
dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
draw = torch.Generator().manual_seed(0)
X, y = torch.randn(20, 5, generator=draw), torch.randint(3, (20,), generator=draw)
y[2:6] = -100
model = torch.nn.Linear(5, 3)
with torch.no_grad():
    model.weight.copy_(torch.randn(3, 5, generator=draw))
    model.bias.zero_()
loss = CrossEntropy([0.5, 1.0, 4.0])
loss(model(X), y).backward()
whole = model.weight.grad.clone()
model.zero_grad()
wrapped = DistributedDataParallel(model)
part = slice(0, 7) if rank == 0 else slice(7, 20)
num_items = (y[part] != -100).sum()
dist.all_reduce(num_items)
# DDP averages over the ranks, so the caller multiplies by their number.
(loss(wrapped(X[part]), y[part], num_items=num_items) * world).backward()
off = ((model.weight.grad - whole).abs().max() / whole.abs().max()).item()
assert off <= 1e-6, off
print(f"rank {rank} off by {off:.1e}", flush=True)
dist.barrier()
os._exit(0)  # gloo's threads may abort the interpreter at its end
"""


@pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="needs torch with gloo"
)
def test_two_ranks(tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(RANK)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("off by") == 2
