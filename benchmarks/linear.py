"""100 weighted logistic regressions (10 weightings x 10 folds), one call a fold, against scikit-learn one by one.

Accuracy is the largest distance of a coefficient from those of scikit-learn at a tolerance of 1e-12. The rows that
count are scikit-learn's at the loosest tolerance that is as accurate.

python benchmarks/linear.py [--repeats 3] [--only text]
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from _interleave import interleaved, table, versions
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from steelyard.losses import CrossEntropyLoss, FocalLoss, Loss
from steelyard.models import FitTask, Linear


def rows_of(n: int, d: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Standardised columns, a third of them correlated, and imbalanced classes that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X[:, 1::3] += X[:, :1]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    logits = X @ np.random.default_rng(1).normal(size=(d, classes)) * 0.5 - np.log(2.0) * np.arange(classes)
    return X, (logits + 1.5 * rng.gumbel(size=logits.shape)).argmax(axis=1)


def fold(n: int, d: int, classes: int, seed: int, loss: Loss) -> list[FitTask]:
    X, codes = rows_of(n, d, classes, seed)
    counts = np.maximum(np.bincount(codes, minlength=classes), 1)
    tasks = []
    for power in np.linspace(0, 1, 10):
        weight = (1.0 / counts**power)[codes]
        tasks.append(FitTask(X, codes, weight / weight.mean(), classes, loss, np.zeros(d, dtype=bool), 0))
    return tasks


def peer(tasks: list[FitTask], **options: Any) -> list[np.ndarray]:
    model = LogisticRegression(**({"max_iter": 5000} | options))
    return [model.fit(task.X, task.codes, sample_weight=task.sample_weight).coef_.copy() for task in tasks]


def study(n: int, d: int, classes: int, repeats: int, folds: int) -> None:
    made = [fold(n, d, classes, seed, CrossEntropyLoss()) for seed in range(folds)]
    focal = [fold(n, d, classes, seed, FocalLoss(2.0)) for seed in range(folds)]
    exact = peer(made[0], tol=1e-12)
    peers: dict[str, dict[str, Any]] = {
        "scikit-learn, default tolerance (1e-4)": {},
        "scikit-learn, tol=1e-6": {"tol": 1e-6},
        "scikit-learn, tol=1e-8": {"tol": 1e-8},
        "scikit-learn, newton-cholesky": {"solver": "newton-cholesky"},
    }
    runs: dict[str, Callable[[], Any]] = {"linear.fit_many": lambda: [Linear().fit_many(tasks) for tasks in made]}
    runs["linear, one by one"] = lambda: [Linear().fit(task) for tasks in made for task in tasks]
    runs["linear.fit_many, focal loss"] = lambda: [Linear().fit_many(tasks) for tasks in focal]
    for name, options in peers.items():
        runs[name] = lambda options=options: [peer(tasks, **options) for tasks in made]

    def off(found: list[np.ndarray]) -> str:
        distance = max(float(np.abs(a - b).max()) for a, b in zip(found, exact, strict=True))
        return f"coefficients within {distance:.0e}"

    notes = {name: off(peer(made[0], **options)) for name, options in peers.items()}
    notes["linear.fit_many"] = off([fitted.coef.T for fitted in Linear().fit_many(made[0])])  # type: ignore[attr-defined]
    table(f"{10 * folds} fits, {n} x {d}, {classes} classes", interleaved(runs, repeats), notes)


def text(rows: int = 43410, columns: int = 110000, labels: int = 28) -> None:
    """A sparse matrix and labels like those of GoEmotions, all labels at once; two of them by scikit-learn."""
    rng = np.random.default_rng(0)
    places = (columns * rng.random(rows * 25) ** 3).astype(int)
    X = sparse.csr_array((rng.random(rows * 25) + 0.2, places, np.arange(0, rows * 25 + 1, 25)), shape=(rows, columns))
    X.sum_duplicates()
    X = sparse.csr_array(sparse.diags_array(1 / np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())) @ X)
    scores = np.asarray(X @ rng.normal(size=(columns, labels))) * 3 - np.linspace(1, 5, labels)
    Y = (scores + rng.logistic(size=scores.shape) > 0).astype(float)
    task = FitTask(X, Y, np.ones_like(Y), labels, CrossEntropyLoss(), np.zeros(columns, dtype=bool), 0)  # type: ignore[arg-type]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    ours = Linear().fit(task)
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{rows} x {columns} sparse, {labels} labels: {seconds:.1f} s")
    print(f"  peak memory {peak / 1e6:.2f} GB, of which {before / 1e6:.2f} GB before")
    for label in (0, labels - 1):
        for tolerance in (1e-4, 1e-8):
            begin = time.process_time()
            theirs = LogisticRegression(tol=tolerance, max_iter=5000).fit(X, Y[:, label])
            taken = (time.process_time() - begin) * labels
            distance = np.abs(theirs.coef_[0] - ours.coef[:, label]).max()  # type: ignore[attr-defined]
            print(
                f"  scikit-learn, tol={tolerance:g}, label {label} x {labels}: {taken:.1f} s ({taken / seconds:.1f}x), "
                f"distance from ours {distance:.0e}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--only", choices=["small", "large", "text"])
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    versions("scikit-learn", "numpy", "scipy")
    with threadpool_limits(1):
        if given.only in (None, "small"):
            study(2000, 20, 3, given.repeats, given.folds)
        if given.only in (None, "large"):
            study(10000, 64, 8, given.repeats, given.folds)
        if given.only in (None, "text"):
            text()


if __name__ == "__main__":
    main()
