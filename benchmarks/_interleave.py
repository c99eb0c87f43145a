"""Times of several runs taken in turn, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import importlib.metadata
import statistics
import time
from collections.abc import Callable
from typing import Any


def versions(*packages: str) -> None:
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))


def interleaved(runs: dict[str, Callable[[], Any]], repeats: int, warm: bool = False) -> dict[str, list[float]]:
    """Processor seconds of each run, A B C A B C; ``warm`` runs each once before."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values() if warm else ():
        run()
    for _ in range(repeats):
        for name, run in runs.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return seconds


def table(title: str, seconds: dict[str, list[float]], notes: dict[str, str] | None = None) -> None:
    """Median, spread, and how many times longer than the first; the ratio is the median over the rounds."""
    print(f"\n{title}")
    first = next(iter(seconds.values()))
    for name, taken in seconds.items():
        ratio = statistics.median(b / a for a, b in zip(first, taken, strict=True))
        spread = f"{min(taken) * 1e3:.1f} to {max(taken) * 1e3:.1f}"
        note = (notes or {}).get(name, "")
        print(f"  {name:<52}{statistics.median(taken) * 1e3:>10.1f} ms ({spread}){ratio:>9.1f}x  {note}", flush=True)
