"""Samplers and counts against their peers: ratios in one process, runs interleaved, medians of CPU time.

    python benchmarks/samplers.py [--rows 10000000] [--repeats 5] [--large] [--only draws]

``--large`` adds 1e8 rows, and 3e8 rows where 4 GB of memory are free.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import steelyard as sy

N_CLASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", choices=["draws", "items", "memory", "kinds", "counts", "large"])
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(_memory_of(options.child[0], int(options.child[1])))
        return
    parts: dict[str, Callable[[int, int], None]] = {
        "draws": draws,
        "items": items,
        "memory": memory,
        "kinds": kinds,
        "counts": counts,
    }
    if options.large:
        parts["large"] = large
    for name, part in parts.items():
        if options.only in (None, name):
            part(options.rows, options.repeats)


def labels_of(n_rows: int, dtype: Any = np.int64) -> np.ndarray:
    """Ten classes, each half as common as the one before, made in portions."""
    shares = 0.5 ** np.arange(N_CLASSES)
    edges = np.cumsum(shares / shares.sum())[:-1]
    generator = np.random.default_rng(0)
    labels = np.empty(n_rows, dtype)
    for start in range(0, n_rows, 1 << 22):
        stop = min(start + (1 << 22), n_rows)
        labels[start:stop] = np.searchsorted(edges, generator.random(stop - start))
    return labels


def interleaved(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in list(runs.values())[:1]:
        run()  # compiled and warm
    for _ in range(repeats):
        for name, run in runs.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return seconds


def table(title: str, seconds: dict[str, list[float]], n: int) -> None:
    print(f"\n{title}")
    ours = statistics.median(next(iter(seconds.values())))
    for name, times in seconds.items():
        middle = statistics.median(times)
        spread = f"{min(times) * 1e3:.0f}-{max(times) * 1e3:.0f}"
        print(
            f"  {name:<48} {middle * 1e3:9.1f} ms  {spread:>13}  {middle / n * 1e9:8.2f} ns each  {middle / ours:7.1f}x"
        )


def spend(iterable: Any) -> None:
    for _ in iterable:
        pass


def draws(rows: int, repeats: int) -> None:
    import torch

    torch.set_num_threads(1)
    labels = labels_of(rows)
    weights = torch.from_numpy(1.0 / np.bincount(labels)[labels])
    sampler = sy.samplers.ClassBalancedSampler(labels)
    runs: dict[str, Callable[[], Any]] = {"ClassBalancedSampler.batches(256)": lambda: spend(sampler.batches(256))}
    if rows < 2**24:
        peer = torch.utils.data.WeightedRandomSampler(weights, rows)
        runs["torch.multinomial alone"] = lambda: torch.multinomial(weights, rows, True)
        runs["WeightedRandomSampler item by item"] = lambda: spend(peer)
    table(f"An epoch of {rows} class-balanced draws", interleaved(runs, repeats), rows)


def items(rows: int, repeats: int) -> None:
    import torch

    torch.set_num_threads(1)
    rows = min(rows, 1_000_000)
    labels = labels_of(rows)
    ours = sy.samplers.ClassBalancedSampler(labels)
    peer = torch.utils.data.WeightedRandomSampler(1.0 / np.bincount(labels)[labels], rows)

    def loader(sampler: Any) -> Any:
        return torch.utils.data.DataLoader(range(rows), batch_size=256, sampler=sampler, collate_fn=len)

    runs = {
        "ClassBalancedSampler in a DataLoader": lambda: spend(loader(ours)),
        "WeightedRandomSampler in a DataLoader": lambda: spend(loader(peer)),
        "ClassBalancedSampler item by item": lambda: spend(ours),
        "WeightedRandomSampler item by item": lambda: spend(peer),
    }
    table(f"{rows} draws one by one", interleaved(runs, repeats), rows)


def kinds(rows: int, repeats: int) -> None:
    labels = labels_of(rows)
    made = {
        "ClassBalancedSampler": sy.samplers.ClassBalancedSampler(labels),
        "ClassBalancedSampler(balance='sqrt')": sy.samplers.ClassBalancedSampler(labels, balance="sqrt"),
        "ClassBalancedSampler(replacement=False)": sy.samplers.ClassBalancedSampler(labels, replacement=False),
        "WeightedSampler": sy.samplers.WeightedSampler(1.0 / np.bincount(labels)[labels]),
        "RepeatFactorSampler": sy.samplers.RepeatFactorSampler(labels, num_samples=rows, threshold=0.01),
    }
    runs = {name: (lambda sampler=sampler: sampler.draw(0, 0, rows)) for name, sampler in made.items()}
    for run in runs.values():
        run()
    table(f"{rows} draws of each kind", interleaved(runs, repeats), rows)
    setups = {
        "set-up: ClassBalancedSampler": lambda: sy.samplers.ClassBalancedSampler(labels),
        "set-up: WeightedSampler": lambda: sy.samplers.WeightedSampler(1.0 / np.bincount(labels)[labels]),
    }
    table(f"Set-up from {rows} rows", interleaved(setups, repeats), rows)


def memory(rows: int, repeats: int) -> None:
    del repeats
    print(f"\nPeak memory beyond the labels, set-up and an epoch of {rows} draws (fresh process)")
    for name in ("ClassBalancedSampler", "WeightedRandomSampler"):
        command = [sys.executable, __file__, "--child", name, str(rows)]
        print(
            f"  {name:<48} {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip():>9} MB"
        )


def _memory_of(name: str, rows: int) -> int:
    """Peak of this process over what it had before, in MB; the clock of the peak is reset first."""
    import torch

    torch.set_num_threads(1)
    labels = labels_of(rows)
    make: dict[str, Callable[[Any], Any]] = {
        "ClassBalancedSampler": lambda y: sy.samplers.ClassBalancedSampler(y).batches(256),
        "WeightedRandomSampler": lambda y: torch.utils.data.WeightedRandomSampler(1.0 / np.bincount(y)[y], len(y)),
    }
    spend(make[name](labels[:1000]))  # imports and compiled code are not what is measured
    if name == "ClassBalancedSampler" and len(labels) >= 1 << 20:
        sy.count_labels(labels)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    spend(make[name](labels))
    return round((_status("VmHWM") - before) / 1024)


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def counts(rows: int, repeats: int) -> None:
    import pandas as pd
    from sklearn.utils.class_weight import compute_class_weight

    codes = labels_of(rows)
    sy.samplers.ClassBalancedSampler(codes[:10])  # Numba is there, as it is in a training script
    runs: dict[str, Callable[[], Any]] = {
        "class_weights, int64": lambda: sy.class_weights(codes),
        "np.bincount, int64": lambda: np.bincount(codes),
        "compute_class_weight, int64": lambda: compute_class_weight("balanced", classes=np.arange(N_CLASSES), y=codes),
    }
    table(f"Class weights from {rows} integers", interleaved(runs, repeats), rows)

    names = np.array([f"class_{code}" for code in range(N_CLASSES)])
    fixed = names[codes]
    boxed = names.astype(object)[codes]
    rounds = min(repeats, 3)
    for title, text in (("strings (NumPy text)", fixed), ("strings (Python objects)", boxed)):
        runs = {
            "class_weights": lambda text=text: sy.class_weights(text),
            "compute_class_weight": lambda text=text: compute_class_weight("balanced", classes=names, y=text),
        }
        table(f"Class weights from {rows} {title}", interleaved(runs, rounds), rows)
    series = pd.Series(boxed)
    runs = {
        "class_weights, pandas strings": lambda: sy.class_weights(series),
        "compute_class_weight": lambda: compute_class_weight("balanced", classes=names, y=series),
    }
    table(f"Class weights from {rows} pandas strings", interleaved(runs, rounds), rows)
    categorical = pd.Series(pd.Categorical.from_codes(codes, names.tolist()))
    runs = {
        "class_weights, categorical": lambda: sy.class_weights(categorical),
        "compute_class_weight": lambda: compute_class_weight("balanced", classes=names, y=categorical),
    }
    table(f"Class weights from {rows} categoricals", interleaved(runs, rounds), rows)


def large(rows: int, repeats: int) -> None:
    del rows
    sizes = [100_000_000]
    free = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvail" in line)
    if free > 4 << 20:
        sizes.append(300_000_000)
    for n in sizes:
        labels = labels_of(n, np.uint8)
        seconds: dict[str, list[float]] = {"set-up and epoch": [], "set-up": [], "epoch in batches of 4096": []}
        before, peak = _status("VmRSS"), 0
        for number in range(repeats if n == sizes[0] else 1):
            Path("/proc/self/clear_refs").write_text("5")
            begin = time.process_time()
            sampler = sy.samplers.ClassBalancedSampler(labels)
            between = time.process_time()
            spend(sampler.batches(4096))
            end = time.process_time()
            for name, taken in zip(seconds, (end - begin, between - begin, end - between), strict=True):
                seconds[name].append(taken)
            peak = max(peak, _status("VmHWM") - before)
            if number == 0 and n == sizes[0]:
                shares = sampler.audit().realised
                print(f"\nrealised shares at {n} rows: {shares.min():.5f} to {shares.max():.5f}")
            del sampler
        table(f"{n} rows, uint8 labels", seconds, n)
        print(f"  peak memory beyond the labels ({n / 1e6:.0f} MB): {peak / 1024:.0f} MB")
    print(
        "\n1e9 rows: labels uint8 1e9 x 1 byte = 1.0 GB, row numbers int32 1e9 x 4 bytes = 4.0 GB, "
        "draws in portions of 65536: 5.0 GB in all"
    )


if __name__ == "__main__":
    main()
