"""Positions, epochs, ranks, resuming, and real data loaders, for every loader sampler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.errors import UsageError
from steelyard.samplers import (
    ClassBalancedSampler,
    DurationWeightedSampler,
    LoaderSampler,
    RepeatFactorSampler,
    SequenceSampler,
    WeightedSampler,
    _backend,
    _reference,
)

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [61, 12, 4]))
MAKERS: dict[str, Callable[..., LoaderSampler]] = {
    "balanced": lambda **options: ClassBalancedSampler(LABELS, **options),
    "once": lambda **options: ClassBalancedSampler(LABELS, replacement=False, **options),
    "once_sqrt": lambda **options: ClassBalancedSampler(LABELS, replacement=False, balance="sqrt", **options),
    "weighted": lambda **options: WeightedSampler(np.arange(77.0), labels=LABELS, **options),
    "sequence": lambda **options: SequenceSampler([[label] * (label + 1) for label in LABELS.tolist()], **options),
    "repeat": lambda **options: RepeatFactorSampler(LABELS, threshold=0.5, **options),
    "duration": lambda **options: DurationWeightedSampler(np.arange(1.0, 78.0), labels=LABELS, **options),
}
every = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@every
@given(
    num_samples=st.integers(1, 300), world_size=st.integers(1, 5), epoch=st.integers(0, 3), seed=st.integers(0, 2**64)
)
@settings(max_examples=15, deadline=None)
def test_ranks_share_the_positions_of_one_draw(
    make: Any, num_samples: int, world_size: int, epoch: int, seed: int
) -> None:
    ranks = [make(num_samples=num_samples, seed=seed, rank=rank, world_size=world_size) for rank in range(world_size)]
    parts = []
    for sampler in ranks:
        sampler.set_epoch(epoch)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler) == -(-num_samples // world_size)
    # Position i belongs to rank i modulo world_size, so the ranks in turn give the global draw, whole and in order.
    joined = np.array(parts).T.ravel()
    assert joined.tolist() == ranks[0].draw(epoch, 0, len(joined)).tolist()


@every
def test_any_number_of_ranks_sees_the_same_global_batches(make: Any) -> None:
    alone = [sorted(batch) for batch in make(num_samples=240).batches(24)]
    for world_size in (2, 3, 4):
        ranks = [
            make(num_samples=240, rank=r, world_size=world_size).batches(24 // world_size) for r in range(world_size)
        ]
        joined = [sorted(np.concatenate(parts)) for parts in zip(*ranks, strict=True)]
        assert joined == alone


@every
@given(stop=st.integers(0, 260), batch_size=st.integers(1, 40), data=st.data())
@settings(max_examples=15, deadline=None)
def test_resumed_is_uninterrupted(make: Any, stop: int, batch_size: int, data: Any) -> None:
    whole = make(num_samples=130)
    expected = [row for _ in range(4) for row in whole]
    first = make(num_samples=130)
    rows: list[int] = []
    while len(rows) < stop:
        for batch in first.batches(batch_size):
            rows += batch.tolist()
            if len(rows) >= stop:
                break
    state = json.loads(json.dumps(first.state_dict()))
    second = make(num_samples=130)
    second.load_state_dict(state)
    rest = [row for _ in range(2) for row in second]
    assert rows + rest == expected[: len(rows) + len(rest)]
    assert len(rest) > 130


@every
def test_a_state_goes_on_with_another_number_of_ranks(make: Any) -> None:
    ranks = [make(num_samples=120, rank=rank, world_size=2) for rank in range(2)]
    for sampler in ranks:
        iterator = iter(sampler)
        for _ in range(30):
            next(iterator)
    states = [sampler.state_dict() for sampler in ranks]
    assert states[0] == states[1]
    parts = []
    for rank in range(3):
        sampler = make(num_samples=120, rank=rank, world_size=3)
        sampler.load_state_dict(states[0])
        parts.append(list(sampler))
    assert np.array(parts).T.ravel().tolist() == make(num_samples=120).draw(0, 60, 120).tolist()


@every
def test_epochs_differ_and_come_back(make: Any) -> None:
    sampler = make(num_samples=100)
    first, second = list(sampler), list(sampler)
    assert first != second
    assert sampler.epoch == 2
    sampler.set_epoch(0)
    assert [row for batch in sampler.batches(7) for row in batch.tolist()] == first
    assert list(make(num_samples=100, seed=1)) != first


@every
def test_batches_are_arrays_in_full_size_but_the_last(make: Any) -> None:
    sampler = make(num_samples=100)
    batches = list(sampler.batches(32))
    assert [len(batch) for batch in batches] == [32, 32, 32, 4]
    assert all(batch.dtype == np.int32 for batch in batches)
    dropping = sampler.batches(32, drop_last=True)
    assert len(dropping) == 3
    assert [len(batch) for batch in dropping] == [32, 32, 32]
    assert sampler.epoch == 2


@every
def test_draws_follow_the_rates(make: Any) -> None:
    sampler = make(num_samples=60_000)
    audit = sampler.audit()
    assert audit.largest_gap < 0.01
    assert audit.intended.sum() == pytest.approx(1)
    assert sampler.audit(rows=sampler.draw(0, 0, 60_000)).counts.tolist() == audit.counts.tolist()


@every
def test_without_numba_the_draws_are_the_same(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = make().draw(3, 5, 500)
    _backend.draws.cache_clear()
    monkeypatch.setitem(sys.modules, "steelyard.samplers._draws", None)
    monkeypatch.delattr("steelyard.samplers._draws")
    try:
        assert _backend.draws() is _reference
        assert make().draw(3, 5, 500).tolist() == compiled.tolist()
    finally:
        _backend.draws.cache_clear()


def test_setting_the_epoch_after_loading_a_state_keeps_the_place() -> None:
    sampler = MAKERS["balanced"](num_samples=50)
    sampler.load_state_dict(MAKERS["balanced"](num_samples=50).state_dict(epoch=2, consumed=20))
    sampler.set_epoch(2)
    assert list(sampler) == sampler.draw(2, 20, 50).tolist()


def test_an_iteration_left_early_moves_nothing_later() -> None:
    sampler = MAKERS["balanced"](num_samples=50)
    old = iter(sampler)
    next(old)
    new = iter(sampler)
    next(new)
    list(old)
    assert (sampler.epoch, sampler.state_dict()["position"]) == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 4}, "its seed is 4, here 0"),
        ({"n_rows": 5}, "n_rows"),
        ({"epoch_length": 60}, "epoch_length"),
        ({"sampler": "WeightedSampler"}, "its sampler"),
        ({"settings": "x"}, "settings"),
        ({"position": 51}, "position 51"),
        ({"position": None}, "position"),
        ({"epoch": -1}, "epoch"),
    ],
)
def test_states_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    sampler = MAKERS["balanced"](num_samples=50)
    with pytest.raises(UsageError, match=message):
        sampler.load_state_dict({**sampler.state_dict(), **change})


def test_wrong_calls() -> None:
    sampler = MAKERS["balanced"](num_samples=50)
    for call in (
        lambda: sampler.batches(0),
        lambda: sampler.set_epoch(-1),
        lambda: sampler.state_dict(consumed=51),
        lambda: sampler.state_dict(epoch=1),
        lambda: WeightedSampler([1.0, 2.0]).audit(),
    ):
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize("num_workers", [0, 1, 2])
@pytest.mark.parametrize("form", ["sampler", "batch_sampler"])
def test_a_data_loader_gives_the_same_rows_with_any_number_of_workers(num_workers: int, form: str) -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.arange(77), torch.from_numpy(LABELS))
    sampler = ClassBalancedSampler.from_dataset(data, num_samples=90, seed=5)
    how = {"sampler": sampler, "batch_size": 16} if form == "sampler" else {"batch_sampler": sampler.batches(16)}
    loader = torch.utils.data.DataLoader(data, num_workers=num_workers, **how)
    assert len(loader) == 6
    for epoch in range(2):
        seen = list(loader)
        assert torch.cat([rows for rows, _ in seen]).tolist() == sampler.draw(epoch, 0, 90).tolist()
        assert all(LABELS[rows].tolist() == labels.tolist() for rows, labels in seen)


SCRIPT = """
import json, sys
import torch
from steelyard.samplers import ClassBalancedSampler
torch.distributed.init_process_group("gloo")
labels = [0] * 60 + [1] * 17
sampler = ClassBalancedSampler(labels, num_samples=91, seed=2, replacement=False)
loader = torch.utils.data.DataLoader(range(77), sampler=sampler, batch_size=8)
rows = [torch.cat(list(loader)).tolist() for _ in range(2)]
parts = [None, None]
torch.distributed.all_gather_object(parts, rows)
if sampler.rank == 0:
    open(sys.argv[1], "w").write(json.dumps(parts))
torch.distributed.destroy_process_group()
"""


def test_two_processes_under_torchrun(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("torch was built without gloo")
    script, result = tmp_path / "train.py", tmp_path / "rows.json"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), str(result)], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = json.loads(result.read_text())
    alone = ClassBalancedSampler([0] * 60 + [1] * 17, num_samples=92, seed=2, replacement=False)
    for epoch in range(2):
        assert np.stack([first[epoch], second[epoch]]).T.ravel().tolist() == alone.draw(epoch, 0, 92).tolist()
