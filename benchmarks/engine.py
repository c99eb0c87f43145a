"""A study of small networks against the same fits in PyTorch: ratios in one process, runs interleaved, medians.

    python benchmarks/engine.py [--rows a,b,c,d] [--fits 100] [--sample 12] [--epochs 10] [--repeats 5] [--compile]
                                [--device cuda]

Each row trains ``--fits`` networks (10 strategies on 5 folds, two seeds) for some epochs on the same batches:
compiled code on two threads; a sequential PyTorch loop (fused AdamW, no DataLoader) in two warm joblib processes, of
which ``--sample`` fits are timed; and torch.bmm over all networks at once. ``--compile`` adds the time until the
first network is trained in a fresh interpreter, without and with Numba's cache. ``--device cuda`` adds the engine that
stacks the networks on a GPU, and runs torch.bmm there too.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from torch.nn import functional

from steelyard.losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss, Loss
from steelyard.models import FitTask, device_name
from steelyard.models._engines import CompiledEngine, Options, Samples
from steelyard.models._network import Network
from steelyard.models._network_fit import NetworkFit
from steelyard.models._stacked import Stack
from steelyard.models._training import Pass, Schedule, Split

RATE, DECAY, JOBS = 0.002, 0.01, 2
GAMMA = [0.0, 0.0, 0.0, 0.0, 2.0, 1.0, 0.5, 0.0, 0.0, 2.0]
TAU = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.0]


@dataclass(frozen=True)
class Shape:
    """Sizes of a study's rows and networks."""

    rows: int
    columns: int
    n_classes: int
    hidden: int
    batch: int
    target: float
    epochs: int = 2

    def __str__(self) -> str:
        return f"{self.rows} x {self.columns}, {self.n_classes} classes, hidden {self.hidden}, batch {self.batch}"


SHAPES = {
    "a": Shape(2000, 20, 3, 64, 32, 50, epochs=10),
    "b": Shape(10_000, 64, 8, 64, 128, 20),
    "c": Shape(10_000, 64, 8, 128, 256, 7),
    "d": Shape(10_000, 384, 28, 128, 256, 3),
}


TABLES: dict[Shape, tuple[np.ndarray, np.ndarray]] = {}


def table(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    if shape not in TABLES:  # functools.cache cannot be sent to another process
        TABLES[shape] = make_table(shape)
    return TABLES[shape]


def make_table(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    shares = np.maximum(0.6 ** np.arange(shape.n_classes), 0.01)
    codes = rng.choice(shape.n_classes, size=shape.rows, p=shares / shares.sum())
    centres = 0.8 * rng.normal(size=(shape.n_classes, shape.columns))
    return (centres[codes] + rng.normal(size=(shape.rows, shape.columns))).astype(np.float32), codes


@dataclass(frozen=True)
class Fit:
    """One network of the study."""

    shape: Shape
    strategy: int
    fold: int
    seed: int

    def batches(self, epochs: int) -> np.ndarray:
        """Rows in the order they are seen, whole batches only, shape (n_steps, batch)."""
        rng = np.random.default_rng([self.fold, self.seed])
        train = np.flatnonzero(np.arange(self.shape.rows) % 5 != self.fold)
        steps = len(train) // self.shape.batch
        orders = [rng.permutation(train)[: steps * self.shape.batch] for _ in range(epochs)]
        return np.concatenate(orders).reshape(-1, self.shape.batch)

    def network(self) -> Network:
        shape = self.shape
        return Network.initial((shape.columns, shape.hidden, shape.n_classes), np.random.default_rng(self.seed))

    def loss(self) -> Loss:
        if TAU[self.strategy]:
            return LogitAdjustedLoss(TAU[self.strategy])
        return FocalLoss(GAMMA[self.strategy]) if GAMMA[self.strategy] else CrossEntropyLoss()

    def class_weight(self) -> np.ndarray:
        counts = np.bincount(table(self.shape)[1])
        raw = (counts.sum() / counts) ** ((self.strategy % 4) / 3)
        return raw * counts.sum() / (raw * counts).sum()


def fits_of(shape: Shape, number: int) -> list[Fit]:
    every = itertools.product(range(10), range(5), range(2))
    return [Fit(shape, *place) for place in itertools.islice(itertools.cycle(every), number)]


def ours(fit: Fit, epochs: int) -> list[np.ndarray]:
    x, codes = table(fit.shape)
    samples = Samples(x, codes[:, None].astype(np.float32), fit.shape.n_classes, False)
    options = Options(RATE, DECAY, 0.0, fit.shape.batch, 1)
    engine = CompiledEngine(fit.network(), samples, fit.loss().fused(np.bincount(codes) / len(codes)), options)
    weight = fit.class_weight()[codes].astype(np.float32)[:, None]
    engine.learn(fit.batches(epochs).ravel(), np.empty(0, np.float32), weight)
    return engine.network().parameters()


@torch.inference_mode()
def on_device(fits: list[Fit], epochs: int, device: str) -> list[list[np.ndarray]]:
    """The engine for GPUs: stacked, each network with its own loss, weights and batches."""
    x, codes = table(fits[0].shape)
    targets, none = codes[:, None].astype(np.float32), np.empty(0, np.float32)
    samples = Samples(x, targets, fits[0].shape.n_classes, False)
    options, rows = Options(RATE, DECAY, 0.0, fits[0].shape.batch, 1), np.arange(len(x))
    begun, orders = [], []
    for fit in fits:
        weight = fit.class_weight()[codes].astype(np.float32)[:, None]
        task = FitTask(x, codes, weight, samples.n_classes, fit.loss(), np.zeros(x.shape[1], bool), 0)
        split = Split(rows, rows[:0], weight, np.ones_like(weight))
        begun.append(NetworkFit(task, samples, split, fit.network(), options, Schedule(1, 1), np.random.default_rng()))
        orders.append(np.split(fit.batches(epochs), epochs))
    stack = Stack(begun, torch.device(device))
    for epoch in range(epochs):
        weights = [each.split.weight for each in begun]
        asked = zip(orders, weights, strict=True)
        stack.learn([Pass(order[epoch].ravel(), none, weight, weight, False) for order, weight in asked])
    return [stack.networks.network(stack.values(place), None).parameters() for place in range(len(fits))]


def in_threads(fits: list[Fit], epochs: int) -> None:
    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda fit: ours(fit, epochs), fits))


def sequential_seconds(fit: Fit, epochs: int) -> float:
    """Processor time of one fit, in the process that makes it."""
    begin = time.process_time()
    sequential(fit, epochs)
    return time.process_time() - begin


def sequential(fit: Fit, epochs: int) -> list[np.ndarray]:
    torch.set_num_threads(1)
    x, codes = (torch.tensor(part) for part in table(fit.shape))
    shape, start = fit.shape, fit.network()
    net = torch.nn.Sequential(
        torch.nn.Linear(shape.columns, shape.hidden), torch.nn.ReLU(), torch.nn.Linear(shape.hidden, shape.n_classes)
    )
    with torch.no_grad():
        for layer, weight, bias in zip((net[0], net[2]), start.weights, start.biases, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    weights = torch.from_numpy(fit.class_weight()).float()
    priors = torch.bincount(codes) / len(codes)
    gamma, offset = GAMMA[fit.strategy], TAU[fit.strategy] * priors.log().float()
    for rows in torch.from_numpy(fit.batches(epochs)):
        logits, y = net(x.index_select(0, rows)), codes.index_select(0, rows)
        losses = functional.cross_entropy(logits + offset if TAU[fit.strategy] else logits, y, reduction="none")
        if gamma:
            losses = (1 - torch.exp(-losses)) ** gamma * losses
        optimiser.zero_grad(set_to_none=True)
        (losses * weights[y]).mean().backward()
        optimiser.step()
    return [p.detach().numpy().T for p in net.parameters()]


@torch.no_grad()
def stacked(fits: list[Fit], epochs: int, device: str) -> None:
    """All networks at once as batched products; cross-entropy for all, which is the least work there is."""
    torch.set_num_threads(JOBS)
    x, codes = (torch.tensor(part, device=device) for part in table(fits[0].shape))
    many, batch = len(fits), fits[0].shape.batch
    starts = [fit.network() for fit in fits]
    parts = [torch.from_numpy(np.stack([start.parameters()[i] for start in starts])).to(device) for i in range(4)]
    flat = torch.cat([part.reshape(-1) for part in parts])
    w1, b1, w2, b2 = (
        part.view(shape.shape) for part, shape in zip(flat.split([p.numel() for p in parts]), parts, strict=True)
    )
    gradient, first, second, step = (
        torch.empty_like(flat),
        torch.zeros_like(flat),
        torch.zeros_like(flat),
        torch.zeros((), device=device),
    )
    g1, h1, g2, h2 = (
        part.view(p.shape) for part, p in zip(gradient.split([p.numel() for p in parts]), parts, strict=True)
    )
    weights = torch.from_numpy(np.stack([fit.class_weight() for fit in fits])).float().to(device)
    orders = torch.from_numpy(np.stack([fit.batches(epochs) for fit in fits], axis=1)).to(device)
    place, one = torch.arange(many, device=device)[:, None], torch.full((many, batch, 1), -1.0, device=device)
    for rows in orders:
        inputs, y = x[rows], codes[rows]
        hidden = torch.baddbmm(b1[:, None], inputs, w1).relu_()
        slope = torch.softmax(torch.baddbmm(b2[:, None], hidden, w2), dim=-1)
        slope.scatter_add_(-1, y[..., None], one)
        slope *= (weights[place, y] / batch)[..., None]
        torch.bmm(hidden.transpose(1, 2), slope, out=g2)
        torch.sum(slope, 1, out=h2)
        back = torch.bmm(slope, w2.transpose(1, 2)) * (hidden > 0)
        torch.bmm(inputs.transpose(1, 2), back, out=g1)
        torch.sum(back, 1, out=h1)
        torch._fused_adamw_(
            [flat], [gradient], [first], [second], [], [step.add_(1)], lr=RATE, beta1=0.9, beta2=0.999,
            weight_decay=DECAY, eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip
    if device == "cuda":
        torch.cuda.synchronize()


def compare(shape: Shape, options: argparse.Namespace) -> None:
    fits, epochs = fits_of(shape, options.fits), options.epochs or shape.epochs
    sample = fits_of(shape, options.fits)[:: max(1, options.fits // options.sample)][: options.sample]
    pool = Parallel(n_jobs=JOBS)
    runs: dict[str, tuple[Callable[[], Any], float]] = {
        "steelyard, 2 threads": (lambda: in_threads(fits, epochs), 1.0),
        "PyTorch loop, 2 processes": (
            lambda: pool(delayed(sequential_seconds)(fit, epochs) for fit in sample), options.fits / len(sample)
        ),
        "stacked torch.bmm": (lambda: stacked(fits, epochs, options.device), 1.0),
    }  # fmt: skip
    if options.device == "cuda":
        runs["steelyard, cuda"] = (lambda: on_device(fits, epochs, "cuda"), 1.0)
    elif options.fits * shape.columns * shape.hidden > 4e6:
        runs.pop("stacked torch.bmm")
        runs["stacked torch.bmm"] = (lambda: stacked(fits[:25], epochs, "cpu"), options.fits / 25)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    processor: dict[str, list[float]] = {name: [] for name in runs}
    for run, _ in runs.values():
        run()  # compiled, started and warm
    for _ in range(options.repeats):
        for name, (run, factor) in runs.items():
            begin, spent = time.perf_counter(), time.process_time()
            made = run()
            seconds[name].append((time.perf_counter() - begin) * factor)
            spent = sum(made) if name.startswith("PyTorch") else time.process_time() - spent
            processor[name].append(spent * factor)
    steps = len(fits[0].batches(epochs)) * options.fits
    mine, own = (statistics.median(times["steelyard, 2 threads"]) for times in (seconds, processor))
    print(f"\n{shape}: {options.fits} networks, {steps} steps in all")
    for name, times in seconds.items():
        middle = statistics.median(times)
        spread = f"{min(times):.2f}-{max(times):.2f}"
        spent = statistics.median(processor[name])
        print(
            f"  {name:<28}{middle:8.2f} s ({spread})  {middle / steps * 1e6:7.1f} us a step  {middle / mine:5.1f}x; "
            f"processor {spent / steps * 1e6:7.1f} us a step  {spent / own:5.1f}x"
        )
    work = steps * shape.batch * shape.hidden * (4 * shape.columns + 6 * shape.n_classes)
    speed = work / mine / JOBS / 1e9
    print(f"  products: {speed:.0f} GFLOP/s a thread; sgemm alone {peak():.0f}; asked for {shape.target:g}x")
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}; processor time is what another load changes least")
    pairs = zip(ours(sample[0], 1), sequential(sample[0], 1), strict=True)
    print(f"  largest difference of a weight after an epoch: {max(np.abs(a - b).max() for a, b in pairs):.1e}")
    pairs = zip(ours(sample[0], 1), on_device(sample, 1, options.device)[0], strict=True)
    print(f"  of the engine for GPUs, on {options.device}: {max(np.abs(a - b).max() for a, b in pairs):.1e}")


def peak() -> float:
    """GFLOP/s of a matrix product of NumPy's library on one thread."""
    from threadpoolctl import threadpool_limits

    a, out, times = np.random.default_rng(0).random((512, 512), np.float32), np.empty((512, 512), np.float32), []
    with threadpool_limits(1):
        for _ in range(30):
            begin = time.perf_counter()
            np.dot(a, a, out=out)
            times.append(time.perf_counter() - begin)
    return 2 * 512**3 / statistics.median(times) / 1e9


def first_use() -> None:
    code = (
        "import time\n"
        "import numpy as np, steelyard\n"
        "from steelyard.models import FitTask, parse_model\n"
        "from steelyard.losses import CrossEntropyLoss\n"
        "clocks = lambda: np.array([time.perf_counter(), time.process_time()])\n"
        "made = clocks()\n"
        "c = np.arange(3000) % 3; x = np.random.default_rng(0).normal(size=(3000, 20))\n"
        "task = FitTask(x, c, np.ones(3000), 3, CrossEntropyLoss(), np.zeros(20, bool), 0)\n"
        "parse_model('mlp(epochs=1)').fit(task); first = clocks()\n"
        "parse_model('mlp(epochs=1)').fit(task); second = clocks()\n"
        "wall, cpu = first - made - (second - first); print(f'{wall:.2f} s ({cpu:.2f} s of processor time)')"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for name in ("nothing in Numba's cache", "from the cache", "from the cache"):
            out = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            )
            print(f"first use, {name}: {out.stdout.strip()} more than the second fit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="a,b,c,d")
    parser.add_argument("--fits", type=int, default=100)
    parser.add_argument("--sample", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=0, help="10 in the first row, where passes are short, else 2")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    print(
        f"torch {torch.__version__}, numpy {np.__version__}, {JOBS} threads or processes, medians of {options.repeats}"
    )
    if options.device == "cuda":
        print(f"stacked on {device_name('cuda')}")
    if options.compile:
        first_use()
    for row in options.rows.split(","):
        compare(SHAPES[row], options)


if __name__ == "__main__":
    main()
