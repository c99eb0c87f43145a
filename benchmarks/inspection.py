"""Time of the first look at a table of a million rows, beyond reading it (goal: under 1 s); interleaved, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from steelyard.cli.inspect_text import Paper, inspection_text
from steelyard.inspection import inspect_data, target_candidates

ROWS = 1_000_000


def tables() -> dict[str, tuple[pl.DataFrame, pl.Series]]:
    """Columns as a CSV file gives them: texts."""
    rng = np.random.default_rng(0)
    y = pl.Series(rng.choice(["common", "rare", "scarce"], ROWS, p=[0.9, 0.09, 0.01]))
    numbers = pl.DataFrame({f"x{k}": rng.normal(size=ROWS).round(3).astype(str) for k in range(8)})
    letters = pl.DataFrame({f"c{k}": rng.choice(list("abcdefgh"), ROWS) for k in range(4)})
    many = pl.Series(rng.integers(0, 2000, ROWS).astype(str))
    return {
        "numbers as text, no twins": (numbers, y),
        "4 columns of 8 letters, all twins": (letters, y),
        "half of the rows repeated": (pl.concat([numbers.head(ROWS // 2)] * 2), y),
        "2000 classes": (numbers, many),
    }


def main() -> None:
    taken: dict[str, list[float]] = {}

    def timed(name: str, run: Callable[[], object]) -> None:
        started = time.perf_counter()
        run()
        taken.setdefault(name, []).append(time.perf_counter() - started)

    cases = tables()
    for _ in range(5):
        for name, (features, labels) in cases.items():
            timed(name, lambda X=features, y=labels: look(X, y))
            timed(f"{name}: which column", lambda X=features: target_candidates(X))
    for name, seconds in taken.items():
        print(f"{name:50} {statistics.median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})")


def look(features: pl.DataFrame, labels: pl.Series) -> str:
    found = inspect_data(features, labels)
    found.to_dict()
    return inspection_text(found, Paper(100, colour=False, blocks=False))


if __name__ == "__main__":
    main()
