"""Compiled training against NumPy and against plain PyTorch, and that nothing but the fit decides its result."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steelyard.losses import AsymmetricLoss, CrossEntropyLoss, FocalLoss, Loss
from steelyard.models import FitTask, _engines, _kernels, _loss_kernels, _tiles, mlp
from steelyard.models._engines import CompiledEngine, NumpyEngine, Options, Samples, engine_for
from steelyard.models._network import Network, dropout_masks
from steelyard.models.mlp import Mlp
from steelyard.registry import components

torch = pytest.importorskip("torch")

ROWS, COLUMNS, CLASSES = 300, 7, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, COLUMNS)).astype(np.float32)
CODES = RNG.choice(CLASSES, p=[0.4, 0.3, 0.15, 0.1, 0.05], size=ROWS)
LABELS = np.where(RNG.random((ROWS, CLASSES)) < 0.1, np.nan, RNG.random((ROWS, CLASSES)) < 0.3).astype(np.float32)
LOSSES = [*(cls() for cls in components("loss").values()), FocalLoss(0.5), CrossEntropyLoss(0.2)]
FITS = [
    (loss, several)
    for loss in [*LOSSES, AsymmetricLoss(2, 0, 0)]
    for several in (False, True)
    if (loss.multilabel if several else loss.multiclass)
]  # fmt: skip


def samples(several: bool) -> Samples:
    return Samples(X, LABELS if several else CODES[:, None].astype(np.float32), CLASSES, several)


def priors(several: bool) -> np.ndarray:
    return np.nanmean(LABELS, axis=0).astype(float) if several else np.bincount(CODES) / ROWS


def both(loss: Loss, several: bool, layers: tuple[int, ...], dropout: float) -> tuple[NumpyEngine, CompiledEngine]:
    network = Network.initial((COLUMNS, *layers, CLASSES), np.random.default_rng(1), loss.cosine_scale)
    options, shares = Options(0.01, 0.05, dropout, 32, 2**62 + 12345), priors(several)
    fused = loss.fused_multilabel(shares) if several else loss.fused(shares)
    return NumpyEngine(network, samples(several), loss, shares, options), CompiledEngine(
        network, samples(several), fused, options
    )


@pytest.mark.parametrize(("loss", "several"), FITS, ids=str)
@pytest.mark.parametrize(("layers", "dropout", "mixes"), [((10,), 0.0, False), ((9, 17), 0.3, True)])
def test_compiled_training_is_that_of_numpy(
    loss: Loss, several: bool, layers: tuple[int, ...], dropout: float, mixes: bool
) -> None:
    engines, rng = both(loss, several, layers, dropout), np.random.default_rng(2)
    weight = rng.uniform(0.5, 2, size=(ROWS, CLASSES if several else 1)).astype(np.float32)
    for _ in range(2):
        order = rng.permutation(ROWS)
        mixed = rng.beta(0.3, 0.3, size=ROWS).astype(np.float32) if mixes else np.empty(0, np.float32)
        for engine in engines:
            engine.learn(order, mixed, weight)
    for ours, theirs in zip(*(engine.network().parameters() for engine in engines), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    (value, scores), (expected, expected_scores) = (engine.watch(np.arange(0, ROWS, 7), weight) for engine in engines)
    assert value == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-4)


def trained_by_torch(
    network: Network, order: np.ndarray, weight: np.ndarray, dropout: float, key: int, dtype: torch.dtype
) -> list[np.ndarray]:
    """The same training, written the way one writes it in PyTorch."""
    layers = []
    for w, b in zip(network.weights, network.biases, strict=True):
        layer = torch.nn.Linear(*w.shape, dtype=dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(w.T.copy()))
            layer.bias.copy_(torch.tensor(b))
        layers.append(layer)
    parameters = [p for layer in layers for p in layer.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=0.002, weight_decay=0.01)
    x, y, w = torch.tensor(X, dtype=dtype), torch.tensor(CODES), torch.tensor(weight[:, 0], dtype=dtype)
    units = [len(b) for b in network.biases[:-1]]
    for step, start in enumerate(range(0, len(order), 32)):
        rows = torch.tensor(order[start : start + 32])
        hidden = x[rows]
        masks = dropout_masks(key, step, len(rows), units, dropout)
        for layer, mask in zip(layers[:-1], masks, strict=True):
            hidden = torch.relu(layer(hidden)) * torch.tensor(mask, dtype=dtype)
        losses = torch.nn.functional.cross_entropy(layers[-1](hidden), y[rows], reduction="none")
        optimiser.zero_grad()
        (losses * w[rows]).mean().backward()
        optimiser.step()
    return [p.detach().numpy().T.astype(np.float64) for p in parameters]


@pytest.mark.parametrize(("layers", "dropout"), [((24,), 0.0), ((24,), 0.25), ((24, 12), 0.25)])
def test_500_steps_end_where_pytorch_ends_them(layers: tuple[int, ...], dropout: float) -> None:
    rng = np.random.default_rng(4)
    network = Network.initial((COLUMNS, *layers, CLASSES), rng)
    order, weight = rng.integers(ROWS, size=500 * 32), rng.uniform(0.5, 2, size=(ROWS, 1)).astype(np.float32)
    options = Options(0.002, 0.01, dropout, 32, 99)
    engine = CompiledEngine(network, samples(False), CrossEntropyLoss().fused(priors(False)), options)
    engine.learn(order, np.empty(0, np.float32), weight)
    assert engine.steps == 500
    single = trained_by_torch(network, order, weight, dropout, 99, torch.float32)
    double = trained_by_torch(network, order, weight, dropout, 99, torch.float64)

    def distance(left: list[np.ndarray], right: list[np.ndarray]) -> float:
        return max(float(np.abs(a - b).max()) for a, b in zip(left, right, strict=True))

    ours = [p.astype(np.float64) for p in engine.network().parameters()]
    assert distance(ours, single) < 1e-4
    assert distance(ours, double) <= 3 * distance(single, double)
    assert distance(ours, [p.astype(np.float64) for p in network.parameters()]) > 0.05


@pytest.fixture
def task() -> FitTask:
    """A fit that is large enough for compiled code."""
    rng = np.random.default_rng(0)
    codes = rng.choice(3, p=[0.8, 0.15, 0.05], size=1500)
    x = rng.normal(size=(1500, 12)) + codes[:, None]
    return FitTask(x, codes, np.ones(1500), 3, CrossEntropyLoss(), np.zeros(12, dtype=bool), 7)


def test_a_fit_does_not_depend_on_threads_or_on_the_fits_beside_it(task: FitTask) -> None:
    model = Mlp(epochs=4, dropout=0.1)
    tasks = [replace(task, seed=seed) for seed in range(6)]
    alone = [model.fit(task).predict_proba(task.X) for task in tasks]
    together = [fitted.predict_proba(task.X) for fitted in model.fit_many(tasks[::-1])][::-1]
    with ThreadPoolExecutor(3) as pool:
        threads = [fitted.predict_proba(task.X) for fitted in pool.map(model.fit, tasks)]
    for first, second, third in zip(alone, together, threads, strict=True):
        assert np.array_equal(first, second)
        assert np.array_equal(first, third)
    assert not np.array_equal(alone[0], alone[1])


def test_the_fit_alone_decides_which_engine_trains_it(task: FitTask) -> None:
    class Unfused(CrossEntropyLoss):
        def fused(self, priors: np.ndarray) -> None:
            return None

    def engine(rows: int, loss: Loss) -> type:
        network = Network.initial((12, 64, 3), np.random.default_rng(0))
        x, codes = task.X[:rows].astype(np.float32), task.codes[:rows, None].astype(np.float32)
        options = Options(0.01, 0.0, 0.0, 32, 1)
        return type(engine_for(network, Samples(x, codes, 3, False), loss, np.full(3, 1 / 3), options))

    assert engine(1500, CrossEntropyLoss()) is CompiledEngine
    assert engine(200, CrossEntropyLoss()) is NumpyEngine
    assert engine(1500, Unfused()) is NumpyEngine


def test_without_numba_numpy_trains(task: FitTask, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = Mlp(epochs=3).fit(task).predict_proba(task.X)
    monkeypatch.setattr(_engines, "_kernels", lambda: None)
    np.testing.assert_allclose(Mlp(epochs=3).fit(task).predict_proba(task.X), compiled, atol=1e-4)


def test_the_file_that_numbas_cache_watches_knows_the_others() -> None:
    parts = b"".join(Path(module.__file__).read_bytes() for module in (_loss_kernels, _tiles))
    digest = hashlib.sha256(parts).hexdigest()
    assert digest.startswith(_kernels.PARTS), f"put {digest[:16]!r} for PARTS in _kernels.py"


def test_dropout_drops_its_share_and_other_units_at_each_step() -> None:
    first, second = (dropout_masks(5, step, 2000, [64], 0.25)[0] for step in (0, 1))
    assert np.unique(first).tolist() == [0, np.float32(1 / 0.75)]
    assert np.mean(first == 0) == pytest.approx(0.25, abs=0.01)
    assert np.mean((first == 0) & (second == 0)) == pytest.approx(0.0625, abs=0.005)


def test_warming_up_compiles_for_large_fits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[bool] = []
    monkeypatch.setattr(mlp, "warm_up", compiled.append)
    Mlp(hidden=64).warm_up(1000, 10, 3, False)
    assert compiled == []
    Mlp(hidden=64).warm_up(10_000, 10, 3, False)
    Mlp(hidden=(64, 32)).warm_up(1000, 10, 3, True)
    assert compiled == [False, True]


@pytest.mark.parametrize("several", [False, True])
def test_warming_up_leaves_nothing_to_compile(several: bool) -> None:
    _engines.warm_up(several)
    known = len(_kernels.run.signatures)
    rng = np.random.default_rng(0)
    engine = both(CrossEntropyLoss(), several, (10,), 0.2)[1]
    weight = np.ones((ROWS, CLASSES if several else 1), np.float32)
    engine.learn(rng.permutation(ROWS), rng.random(ROWS, np.float32), weight)
    engine.watch(np.arange(ROWS), weight)
    assert len(_kernels.run.signatures) == known
