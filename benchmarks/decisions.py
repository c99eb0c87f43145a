"""Thresholds and multipliers against their peers: ratios in one process, runs interleaved, medians of processor time.

python benchmarks/decisions.py [--rows 100000] [--repeats 5]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numba  # noqa: F401  (loaded, so that compiled code is used)
import numpy as np
from _interleave import interleaved, table, versions
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score, precision_recall_curve
from sklearn.model_selection import TunedThresholdClassifierCV
from threadpoolctl import threadpool_limits

from steelyard.decisions import AtRecall, Multipliers, Threshold


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose scores are the column it is given."""

    def fit(self, X: Any, y: Any) -> Given:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.column_stack([1 - X[:, 0], X[:, 0]])


def labels_and_scores(rows: int, labels: int = 28) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    Y = rng.random((rows, labels)) < 0.5 ** np.linspace(1, 9, labels)
    return Y, 1 / (1 + np.exp(-(rng.normal(size=Y.shape) + 2 * Y - 1.5)))


def sklearn_search(scores: np.ndarray, y: np.ndarray) -> float:
    tuned = TunedThresholdClassifierCV(
        Given().fit(scores[:, None], y), scoring="f1", thresholds=100, cv="prefit", refit=False
    )
    return float(tuned.fit(scores[:, None], y).best_threshold_)


def curve_search(scores: np.ndarray, y: np.ndarray) -> float:
    precision, recall, cuts = precision_recall_curve(y, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(cuts[f1[:-1].argmax()])


def thresholds(rows: int, repeats: int) -> None:
    Y, scores = labels_and_scores(rows)
    labels = Y.shape[1]
    # The peer's 100 cuts of one label take a second: three labels of different rarity stand for all.
    some = [0, labels // 2, labels - 1]
    columns = [(np.ascontiguousarray(scores[:, label]), Y[:, label].astype(int)) for label in range(labels)]

    def in_numpy() -> Any:
        # Hidden, as it is before something has loaded it.
        loaded = sys.modules.pop("numba")
        try:
            return Threshold(metric="f1", guard=None).fit(scores, Y)
        finally:
            sys.modules["numba"] = loaded

    begin = time.process_time()
    Threshold(metric="f1", guard=None).fit(scores, Y)
    print(f"first use of the compiled counts, cache read or filled: {time.process_time() - begin:.1f} s")
    runs: dict[str, Callable[[], Any]] = {
        "Threshold(metric='f1')": lambda: Threshold(metric="f1", guard=None).fit(scores, Y),
        "Threshold(metric='f1'), Numba not loaded": in_numpy,
        "AtRecall(0.9)": lambda: AtRecall(0.9).fit(scores, Y),
        "precision_recall_curve, every label": lambda: [curve_search(*column) for column in columns],
        "TunedThresholdClassifierCV, 3 labels, times 28/3": lambda: [sklearn_search(*columns[label]) for label in some],
    }
    seconds = interleaved(runs, repeats)
    name = "TunedThresholdClassifierCV, 3 labels, times 28/3"
    seconds[name] = [taken * labels / len(some) for taken in seconds[name]]
    table(f"Best F1 threshold, {labels} labels x {rows} rows", seconds)
    predicted = Threshold(metric="f1", guard=None).fit(scores, Y).predict(scores)
    for label in some:
        score, y = columns[label]
        ours, theirs = f1_score(y, predicted[:, label]), f1_score(y, score >= sklearn_search(score, y))
        print(f"  F1 of label {label}: {ours:.5f}, scikit-learn's {theirs:.5f}")


def multipliers(rows: int, repeats: int, classes: int = 10) -> None:
    rng = np.random.default_rng(0)
    shares = 0.5 ** np.arange(classes) / (0.5 ** np.arange(classes)).sum()
    y = rng.choice(classes, rows, p=shares)
    logits = rng.normal(size=(rows, classes)) + np.log(shares)
    logits[np.arange(rows), y] += 1.2
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    log_proba, actual = np.log(proba), np.bincount(y, minlength=classes)

    def loss(log_multipliers: np.ndarray) -> float:
        predicted = (log_proba + log_multipliers).argmax(axis=1)
        hits = np.bincount(y[predicted == y], minlength=classes)
        return -float((2 * hits / (np.bincount(predicted, minlength=classes) + actual)).mean())

    def nelder_mead(start: np.ndarray) -> Any:
        return minimize(loss, start, method="Nelder-Mead", options={"maxiter": 400})

    begin = time.process_time()
    Multipliers(metric="macro_f1", guard=None).fit(proba, y)
    print(f"\nfirst use, Numba loaded and its cache read or filled: {time.process_time() - begin:.1f} s")
    runs: dict[str, Callable[[], Any]] = {
        "Multipliers(metric='macro_f1')": lambda: Multipliers(metric="macro_f1", guard=None).fit(proba, y),
        "Multipliers(metric='balanced_accuracy')": lambda: Multipliers(metric="balanced_accuracy").fit(proba, y),
        "scipy Nelder-Mead from no multipliers": lambda: nelder_mead(np.zeros(classes)),
        "scipy Nelder-Mead from the class shares": lambda: nelder_mead(-np.log(shares)),
    }
    ours = np.array(Multipliers(metric="macro_f1", guard=None).fit(proba, y).log_multipliers)
    notes = {
        "Multipliers(metric='macro_f1')": f"macro F1 {-loss(ours):.4f}",
        "scipy Nelder-Mead from no multipliers": f"macro F1 {-nelder_mead(np.zeros(classes)).fun:.4f}",
        "scipy Nelder-Mead from the class shares": f"macro F1 {-nelder_mead(-np.log(shares)).fun:.4f}",
    }
    table(f"Macro-F1 multipliers, {rows} rows, {classes} classes", interleaved(runs, repeats), notes)
    print(f"  macro F1 of argmax {-loss(np.zeros(classes)):.4f}, of the class shares {-loss(-np.log(shares)):.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=["thresholds", "multipliers"])
    given = parser.parse_args()
    versions("scikit-learn", "scipy", "numpy", "numba")
    with threadpool_limits(1):
        if given.only in (None, "thresholds"):
            thresholds(given.rows, given.repeats)
        if given.only in (None, "multipliers"):
            multipliers(given.rows, given.repeats)


if __name__ == "__main__":
    main()
