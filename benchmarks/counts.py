"""Counting labels in every form: ratios in one process, runs interleaved, medians of processor time.

``np.bincount`` is printed beside: it is what a careful person would write where labels are small whole numbers.

python benchmarks/counts.py [--rows 10000000] [--repeats 3]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from _interleave import interleaved, table, versions
from sklearn.utils.class_weight import compute_class_weight

import steelyard as sy

N_CLASSES = 10


def integers(codes: np.ndarray, repeats: int) -> None:
    sy.count_labels(codes)
    narrow = codes.astype(np.uint8)
    runs: dict[str, Callable[[], Any]] = {
        "count_labels, int64": lambda: sy.count_labels(codes),
        "count_labels, uint8": lambda: sy.count_labels(narrow),
        "np.bincount, int64": lambda: np.bincount(codes),
        "np.bincount, uint8": lambda: np.bincount(narrow),
        "np.unique, int64": lambda: np.unique(codes, return_counts=True),
        "compute_class_weight, int64": lambda: compute_class_weight("balanced", classes=np.arange(N_CLASSES), y=codes),
    }
    table(f"{len(codes)} whole numbers", interleaved(runs, repeats, warm=True))


def texts(codes: np.ndarray, repeats: int) -> None:
    names = np.array([f"class_{code}" for code in range(N_CLASSES)])
    boxed = names.astype(object)[codes]
    fixed, series, frame = names[codes], pd.Series(boxed), pl.Series(names[codes])
    runs: dict[str, Callable[[], Any]] = {
        "count_labels, NumPy text": lambda: sy.count_labels(fixed),
        "count_labels, Python objects": lambda: sy.count_labels(boxed),
        "count_labels, pandas": lambda: sy.count_labels(series),
        "count_labels, polars": lambda: sy.count_labels(frame),
        "pandas value_counts": series.value_counts,
        "polars value_counts": frame.value_counts,
        "compute_class_weight, Python objects": lambda: compute_class_weight("balanced", classes=names, y=boxed),
    }
    table(f"{len(codes)} texts", interleaved(runs, repeats, warm=True))
    categorical = pd.Series(pd.Categorical.from_codes(codes, names.tolist()))
    enum = frame.cast(pl.Enum(names.tolist()))
    runs = {
        "count_labels, pandas categorical": lambda: sy.count_labels(categorical),
        "count_labels, polars enum": lambda: sy.count_labels(enum),
        "np.bincount of the codes": lambda: np.bincount(categorical.cat.codes.to_numpy()),
        "pandas value_counts": categorical.value_counts,
        "compute_class_weight": lambda: compute_class_weight("balanced", classes=names, y=categorical),
    }
    table(f"{len(codes)} categoricals", interleaved(runs, repeats, warm=True))


def matrices(rows: int, repeats: int) -> None:
    rng = np.random.default_rng(0)
    Y = (rng.random((rows // 28, 28)) < 0.5 ** np.linspace(1, 9, 28)).astype(np.int64)
    unknown = np.where(rng.random(Y.shape) < 0.1, np.nan, Y)
    runs: dict[str, Callable[[], Any]] = {
        "count_labels, int64 matrix": lambda: sy.count_labels(Y),
        "count_labels, float64 matrix with NaN": lambda: sy.count_labels(unknown),
        "Y.sum(axis=0), unchecked": lambda: Y.sum(axis=0),
        "np.nansum and np.isnan": lambda: (np.nansum(unknown, axis=0), (~np.isnan(unknown)).sum(axis=0)),
    }
    table(f"{Y.shape[0]} x {Y.shape[1]} multi-label matrix", interleaved(runs, repeats, warm=True))


def masks(rows: int, repeats: int) -> None:
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    side = 512
    pictures = max(1, rows // side**2)
    coarse = rng.choice(N_CLASSES, size=(pictures, side // 32, side // 32), p=[0.91] + [0.01] * 9)
    smooth = np.ascontiguousarray(coarse.repeat(32, axis=1).repeat(32, axis=2).astype(np.uint8))
    noisy = rng.integers(N_CLASSES, size=smooth.shape, dtype=np.uint8)
    for name, mask in (("smooth", smooth), ("noise", noisy)):
        tensor = torch.from_numpy(mask)
        runs: dict[str, Callable[[], Any]] = {
            "count_labels": lambda mask=mask: sy.count_labels(mask),
            "np.bincount": lambda mask=mask: np.bincount(mask.ravel()),
            "torch.bincount": lambda tensor=tensor: torch.bincount(tensor.ravel()),
        }
        table(f"{mask.size} pixels of uint8 masks, {name}", interleaved(runs, repeats, warm=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    versions("scikit-learn", "numpy", "pandas", "polars", "numba", "torch")
    shares = 0.5 ** np.arange(N_CLASSES)
    codes = np.random.default_rng(0).choice(N_CLASSES, given.rows, p=shares / shares.sum())
    import numba  # noqa: F401  # as in a training script, where a sampler has loaded it

    integers(codes, given.repeats)
    texts(codes, given.repeats)
    matrices(given.rows, given.repeats)
    masks(given.rows, given.repeats)


if __name__ == "__main__":
    main()
