"""Tables for the tests of the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

#: The shortest study there is.
QUICK = ("--models", "linear", "--strategies", "inverse; multipliers", "--folds", "3", "--jobs", "1")


def write_csv(path: Path, header, lines, separator=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(header)
        writer.writerows(lines)
    return path


def make_lines(sizes=(60, 20, 8), seed=0, names=("common", "rare", "scarce")):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(names[: len(sizes)], sizes))
    return [
        [
            f"{rng.normal() + 1.5 * names.index(str(label)):.4f}",
            f"{rng.normal():.4f}",
            rng.choice(["F", "M", ""]),
            f"p{number // 2:03}",
            str(number % 3),
            str(label),
        ]
        for number, label in enumerate(labels)
    ]


HEADER = ["TSH", "T3", "sex", "patient", "part", "diagnosis"]
