"""Which device a network is trained on, decided on machines with and without a GPU that are made up here."""

from __future__ import annotations

import logging
import subprocess
import sys
from threading import Event

import numpy as np
import pytest

from steelyard.errors import DataError, MissingExtraError, UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Linear, _device, parse_model
from steelyard.models.mlp import WORTHWHILE, Mlp

torch = pytest.importorskip("torch")

LARGE, SMALL = (200, 10_000, 64), (5, 100, 4)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Make up what this machine has."""

    def make(*, driver: bool = True, cuda: bool = True, installed: bool = True) -> None:
        monkeypatch.setattr(_device, "_has_driver", lambda: driver)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(_device, "find_spec", lambda name: object() if installed else None)
        monkeypatch.setattr(_device, "_given_up", Event())

    return make


def test_a_large_study_goes_to_a_gpu_where_there_is_one(machine) -> None:
    machine()
    assert Mlp().stack_device(*LARGE) == "cuda"
    assert Mlp(device="cpu").stack_device(*LARGE) is None
    assert Linear().stack_device(*LARGE) is None
    for lacks in ({"driver": False}, {"cuda": False}, {"installed": False}):
        machine(**lacks)
        assert Mlp().stack_device(*LARGE) is None


def test_the_work_of_one_pass_decides_whether_a_gpu_is_worth_its_start(machine) -> None:
    machine()
    rows = WORTHWHILE // (10 * 64)
    assert Mlp(hidden=64).stack_device(1, rows + 1, 10) == "cuda"
    assert Mlp(hidden=64).stack_device(1, rows - 1, 10) is None
    assert Mlp(hidden=(64, 32)).stack_device(1, rows - 1, 10) == "cuda"
    assert Mlp(device="cuda").stack_device(*SMALL) == "cuda"


def test_without_a_driver_pytorch_is_not_even_loaded() -> None:
    code = (
        "import sys; from steelyard.models import _device; from steelyard.models.mlp import Mlp\n"
        "_device._has_driver = lambda: False\n"
        f"assert Mlp().stack_device{LARGE} is None\n"
        "print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


@pytest.fixture
def task() -> FitTask:
    rng = np.random.default_rng(0)
    codes = rng.choice(3, size=90)
    return FitTask(rng.normal(size=(90, 4)), codes, np.ones(90), 3, CrossEntropyLoss(), np.zeros(4, dtype=bool), 7)


def test_a_gpu_that_was_asked_for_and_is_not_there_is_named(machine, task: FitTask) -> None:
    machine(cuda=False)
    with pytest.raises(UsageError, match=r"mlp\(device=cuda\): PyTorch .* sees no CUDA GPU; leave device out"):
        Mlp(device="cuda").fit(task)
    machine(installed=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'steelyard\[torch\]'"):
        Mlp(device="cuda").fit(task)
    with pytest.raises(UsageError, match="device must be one of auto, cpu, cuda, not 'gpu'"):
        Mlp(device="gpu")


def test_the_device_is_part_of_the_text_where_it_was_given() -> None:
    assert str(Mlp()) == "mlp(hidden=64)"
    assert str(parse_model("mlp(device=cuda)")) == "mlp(hidden=64, device=cuda)"
    assert parse_model("mlp(device=auto)") == Mlp()


def test_a_gpu_without_room_is_given_up(machine, task: FitTask, monkeypatch, caplog) -> None:
    from steelyard.models import _stacked

    def no_room(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nMore about it.")

    expected = Mlp(epochs=2).fit(task).predict_proba(task.X)
    machine()
    monkeypatch.setattr(_stacked, "_train", no_room)
    monkeypatch.setattr("steelyard.models.mlp.WORTHWHILE", 1)
    with caplog.at_level(logging.WARNING, logger="steelyard"):
        assert np.array_equal(Mlp(epochs=2).fit(task).predict_proba(task.X), expected)
    assert "cuda has no room (CUDA out of memory.); training goes on on the processor" in caplog.text
    assert Mlp().stack_device(*LARGE) is None
    with pytest.raises(DataError, match=r"mlp\(device=cuda\): cuda has no room .*; give device=cpu"):
        Mlp(epochs=2, device="cuda").fit(task)
