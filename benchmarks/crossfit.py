"""The bias that cross-fitted decisions leave, on noise: a rule is fitted on the out-of-fold scores of the other folds.

The models behind those scores were trained on the rows the rule is judged by. Truly fresh scores cost a second
training: nested folds, in which neither a model nor a rule has seen the outer fold. On labels that say nothing both
should score the same; the difference is the bias.

python benchmarks/crossfit.py --tables 60 --model linear
"""

from __future__ import annotations

import argparse

import numpy as np

from steelyard.decisions import Threshold
from steelyard.losses import CrossEntropyLoss
from steelyard.metrics import class_counts, get_metric
from steelyard.models import FitTask, Model, parse_model
from steelyard.study import make_folds

FOLDS = 5


def noise_table(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """500 to 2000 rows of 10 columns, imbalanced classes, and labels that say nothing about the rows."""
    rng = np.random.default_rng([seed, classes, 0xC0F])
    rows = int(rng.integers(500, 2001))
    shares = np.maximum(rng.dirichlet(np.full(classes, 0.6)), 0.03)
    codes = rng.choice(classes, size=rows, p=shares / shares.sum())
    return rng.normal(size=(rows, 10)), codes


def scores(model: Model, X: np.ndarray, codes: np.ndarray, train: np.ndarray, score: np.ndarray, n: int) -> np.ndarray:
    weight = np.bincount(codes[train], minlength=n)
    balanced = len(train) / (n * np.maximum(weight, 1))
    mask = np.zeros(X.shape[1], dtype=bool)
    task = FitTask(X[train], codes[train], balanced[codes[train]], n, CrossEntropyLoss(), mask, 0)
    return np.asarray(model.fit(task).predict_proba(X[score]))


def out_of_fold(model: Model, X: np.ndarray, codes: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    folds = make_folds(codes, FOLDS, seed=seed)[0]
    proba = np.zeros((len(codes), n))
    for fold in range(FOLDS):
        inside = folds == fold
        proba[inside] = scores(model, X, codes, np.flatnonzero(~inside), np.flatnonzero(inside), n)
    return proba, folds


def table_differences(model: Model, metrics: list[str], seed: int, n: int) -> dict[str, tuple[float, float]]:
    """Score of cross-fitted rules and of nested ones, for each metric."""
    X, codes = noise_table(seed, n)
    proba, folds = out_of_fold(model, X, codes, n, seed)
    rules = {name: Threshold().for_study(n_classes=n, metric=get_metric(name)) for name in metrics}
    crossed, nested = ({name: np.zeros(len(codes), dtype=np.int64) for name in metrics} for _ in range(2))
    for fold in range(FOLDS):
        inside, train = folds == fold, np.flatnonzero(folds != fold)
        inner, _ = out_of_fold(model, X[train], codes[train], n, seed + 1)
        for name, rule in rules.items():
            crossed[name][inside] = rule.fit(proba[train], codes[train]).predict(proba[inside])
            nested[name][inside] = rule.fit(inner, codes[train]).predict(proba[inside])
    found = {}
    for name in metrics:
        metric = get_metric(name)
        values = [
            float(metric.from_counts(*class_counts(codes, predicted[name], n), float(len(codes))))  # type: ignore[attr-defined]
            for predicted in (crossed, nested)
        ]
        found[name] = (values[0], values[1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=60)
    parser.add_argument("--model", default="linear")
    parser.add_argument("--classes", default="2,4")
    given = parser.parse_args()
    metrics = ["macro_f1", "balanced_accuracy"]
    model = parse_model(given.model)
    print(f"{'rule':<12}{'metric':<20}{'classes':>8}{'tables':>8}{'cross-fitted':>14}{'nested':>9}{'bias':>9}{'+-':>8}")
    for n in map(int, given.classes.split(",")):
        found = [table_differences(model, metrics, seed, n) for seed in range(given.tables)]
        for name in metrics:
            crossed, nested = np.array([table[name] for table in found]).T
            error = 1.96 * (crossed - nested).std(ddof=1) / np.sqrt(len(found))
            rule = "threshold" if n == 2 else "multipliers"
            print(
                f"{rule:<12}{name:<20}{n:>8}{len(found):>8}{crossed.mean():>14.4f}{nested.mean():>9.4f}"
                f"{(crossed - nested).mean():>+9.4f}{error:>8.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
