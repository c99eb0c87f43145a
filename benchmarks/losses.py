"""Losses against the formulas they replace: time of forward and backward, and peak memory.

Run ``python benchmarks/losses.py [--threads 1] [--rounds 21]``. Everything runs in one process, interleaved; the table
has medians, the range of the middle half, and ratios (above 1: Steelyard is faster). Times are in milliseconds, memory
in MiB: what forward and backward allocate at most, beyond logits and target. On CUDA the last column is the time that
reading logits and targets and writing the gradient would take, once each, at the speed of a copy, as a share of ours.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from steelyard import losses

Step = Callable[[], None]


def torchvision_sigmoid_focal(z: Tensor, y: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """torchvision.ops.sigmoid_focal_loss(reduction="mean"), as published."""
    p = torch.sigmoid(z)
    loss = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    p_t = p * y + (1 - p) * (1 - y)
    loss = loss * ((1 - p_t) ** gamma)
    return ((alpha * y + (1 - alpha) * (1 - y)) * loss).mean()


def snippet_softmax_focal(z: Tensor, y: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """The usual snippet, with the weight in the right place."""
    log_p = functional.log_softmax(z, -1).gather(1, y[:, None]).squeeze(1)
    return (-weight[y] * (1 - log_p.exp()) ** gamma * log_p).mean()


def step(loss: Callable[..., Tensor], z: Tensor, *arguments: Any) -> Step:
    def run() -> None:
        z.grad = None
        loss(z, *arguments).backward()
        if z.is_cuda:
            torch.cuda.synchronize()

    return run


def under(policy: Any, run: Step) -> Step:
    def wrapped() -> None:
        losses.compile_policy(policy)
        run()
        losses.compile_policy("auto")

    return wrapped


def interleaved(steps: list[Step], rounds: int) -> list[list[float]]:
    for run in steps:
        for _ in range(3):
            run()
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(rounds):
        for place, run in enumerate(steps):
            start = time.perf_counter()
            run()
            times[place].append((time.perf_counter() - start) * 1e3)
    return times


def peak(run: Step) -> float:
    """Most memory that is allocated at once, in MiB."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return float(torch.cuda.max_memory_allocated() - before) / 2**20
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    changes = [
        (event.start_ns(), event.nbytes())
        for event in profile.profiler.kineto_results.events()
        if event.name() == "[memory]"
    ]
    now = most = 0
    for _, size in sorted(changes):
        now += size
        most = max(most, now)
    return most / 2**20


def bandwidth(device: str) -> float:
    """Bytes a millisecond that a large copy moves."""
    source = torch.zeros(1 << 28, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        torch.cuda.synchronize()

    return 2 * source.nbytes / statistics.median(interleaved([copy], 21)[0])


def cases(device: str) -> list[tuple[str, Tensor, tuple[Tensor, ...], Step, Step]]:
    """Name, logits, what else is read, the rival's step, ours."""
    draw = torch.Generator().manual_seed(0)
    found = []

    def logits(n: int, n_classes: int) -> Tensor:
        return (3 * torch.randn(n, n_classes, generator=draw)).to(device).requires_grad_()

    for n, c in ((32, 10), (1000, 20), (4096, 100), (65536, 100), (1_000_000, 1)):
        z, y = logits(n, c), (torch.rand(n, c, generator=draw) < 0.1).float().to(device)
        ours = losses.SigmoidFocal(gamma=2.0, alpha=0.25).to(device)
        found.append((f"sigmoid focal {n} x {c}", z, (y,), step(torchvision_sigmoid_focal, z, y), step(ours, z, y)))
    for n, c in ((32, 10), (4096, 100), (65536, 100)):
        z, y = logits(n, c), (torch.rand(n, c, generator=draw) < 0.1).float().to(device)
        weights, pos_weight = torch.rand(n, c, generator=draw).to(device), torch.rand(c, generator=draw).to(device)
        bce = losses.BinaryCrossEntropy(pos_weight=pos_weight).to(device)

        def rival(z: Tensor, y: Tensor, w: Tensor, p: Tensor) -> Tensor:
            return functional.binary_cross_entropy_with_logits(z, y, w, pos_weight=p)

        found.append(
            (
                f"weighted BCE {n} x {c}",
                z,
                (y, weights),
                step(rival, z, y, weights, pos_weight),
                step(bce, z, y, weights),
            )
        )
    for n, c in ((32, 10), (4096, 100), (65536, 100)):
        z, y = logits(n, c), torch.randint(c, (n,), generator=draw).to(device)
        weight = torch.rand(c, generator=draw).to(device)
        focal = losses.Focal(2.0, weight).to(device)
        found.append(
            (f"softmax focal {n} x {c}", z, (y,), step(snippet_softmax_focal, z, y, weight), step(focal, z, y))
        )
        theirs = torch.nn.CrossEntropyLoss(weight)
        entropy = losses.CrossEntropy(weight, reduction="weighted_mean").to(device)
        found.append((f"cross-entropy {n} x {c}", z, (y,), step(theirs, z, y), step(entropy, z, y)))
    return found


def spread(times: list[float]) -> str:
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:9.3f} ({low:.3f}-{high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"torch {torch.__version__}, {device}, {options.threads} threads, {options.rounds} rounds", file=sys.stderr)
    head = ("loss", "rival", "steelyard", "not compiled", "x", "x not c.", "MiB", "MiB rival", "bandwidth")
    print("{:<28}{:>24}{:>24}{:>24}{:>8}{:>10}{:>8}{:>10}{:>11}".format(*head))
    most = bandwidth(device) if device == "cuda" else None
    for name, z, others, rival, ours in cases(device):
        rounds = options.rounds if z.numel() > 100_000 else 20 * options.rounds
        times = interleaved([rival, under("auto", ours), under("never", ours)], rounds)
        middle = [statistics.median(part) for part in times]
        row = [spread(part) for part in times]
        memory = [peak(run) for run in (ours, rival)]
        share = (
            "" if most is None else f"{(2 * z.nbytes + sum(other.nbytes for other in others)) / most / middle[1]:.0%}"
        )
        print(
            f"{name:<28}{row[0]:>24}{row[1]:>24}{row[2]:>24}{middle[0] / middle[1]:8.2f}{middle[0] / middle[2]:10.2f}"
            f"{memory[0]:8.1f}{memory[1]:10.1f}{share:>11}",
            flush=True,
        )


if __name__ == "__main__":
    main()
