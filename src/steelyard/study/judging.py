"""How predictions are held against the truth: one label a row, or several. Only here a study knows which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.metrics import (
    CountMetric,
    Metric,
    PairMetric,
    RowMetric,
    ScoreMetric,
    evaluate,
    evaluate_label_sets,
    label_counts,
)

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Shuffles of a metric that has to look at every row anew.
FEW_SHUFFLES = 20


@dataclass(frozen=True)
class Predictions:
    """What one arm says of the scored rows.

    Parameters
    ----------
    predicted : ndarray of int64, shape (n_repeats, n_rows)
        Where rows may have several labels 1 and 0, shape (n_repeats, n_rows, n_classes).
    proba : ndarray of float64, shape (n_repeats, n_rows, n_classes)
    """

    predicted: Codes
    proba: Array


@dataclass(frozen=True)
class ClassCounts:
    """Counts per class of one arm under many weightings of the rows.

    Parameters
    ----------
    hits, predicted : ndarray of shape (n_repeats, n_resamples, n_classes)
    actual : ndarray of shape (n_resamples, n_classes)
    known : ndarray of shape (n_resamples, n_classes), optional
        Only where rows may have several labels: rows for which a label is known.
    """

    hits: Array
    predicted: Array
    actual: Array
    known: Array | None = None

    def rest_of(self, whole: ClassCounts) -> ClassCounts:
        """Counts of the rows that these leave of the whole: exact, as all are whole numbers."""
        known = None if self.known is None or whole.known is None else whole.known - self.known
        return ClassCounts(whole.hits - self.hits, whole.predicted - self.predicted, whole.actual - self.actual, known)

    def value(self, metric: CountMetric) -> Array:
        """Metric on each resample, averaged over repeats, shape (n_resamples,)."""
        if self.known is not None:
            values = metric.from_label_counts(self.hits, self.predicted, self.actual, self.known)
        else:
            values = metric.from_counts(self.hits, self.predicted, self.actual, self.actual.sum(axis=-1))
        mean: Array = values.mean(axis=0)
        return mean

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Counts of several blocks of resamples as one."""
        known = [part.known for part in parts if part.known is not None]
        return cls(
            np.concatenate([part.hits for part in parts], axis=1),
            np.concatenate([part.predicted for part in parts], axis=1),
            np.concatenate([part.actual for part in parts], axis=0),
            np.concatenate(known, axis=0) if known else None,
        )


class Judging(ABC):
    """What a study asks of the true labels ``codes`` of its scored rows, in the form of ``EngineData``."""

    @abstractmethod
    def strata(self, codes: NDArray[Any]) -> Codes:
        """Groups of rows within which resamples are drawn, so that rare classes are in each of them."""

    @abstractmethod
    def support(self, codes: NDArray[Any], n_classes: int) -> Codes:
        """Rows of each class."""

    @abstractmethod
    def count(
        self, arms: Sequence[Codes], codes: NDArray[Any], weights: NDArray[np.float32], n_classes: int
    ) -> list[ClassCounts]:
        """Counts per class of what each arm predicts, for each line of row weights.

        Weights are small whole numbers, so float32 sums are exact, whatever the order they are formed in.
        """

    @abstractmethod
    def score(self, metric: Metric, codes: NDArray[Any], arm: Predictions, weights: NDArray[np.float32]) -> Array:
        """Metric that needs more than counts, for each line of row weights, averaged over repeats."""

    @abstractmethod
    def shuffled(
        self, metric: Metric, codes: NDArray[Any], arm: Predictions, size: int, rng: np.random.Generator
    ) -> Array:
        """Metric of an arm whose rows are shuffled against the labels, shape (size,) or fewer."""

    @abstractmethod
    def discordant(
        self, codes: NDArray[Any], arm: Predictions, baseline: Predictions, n_classes: int
    ) -> tuple[Array, Array]:
        """Rows of each class that only the arm, and only the baseline, finds; mean over repeats."""

    @abstractmethod
    def evaluate(self, codes: NDArray[Any], proba: Array, predicted: Codes, n_classes: int) -> dict[str, float | None]:
        """All reported metrics of one set of predictions."""

    def counts_suffice(self, metric: Metric) -> bool:
        """Whether a metric is computed from counts per class."""
        return isinstance(metric, CountMetric)


class OneLabel(Judging):
    """Each row has one label."""

    def strata(self, codes: NDArray[Any]) -> Codes:
        """The classes."""
        return codes

    def support(self, codes: NDArray[Any], n_classes: int) -> Codes:
        """Rows of each class."""
        return np.bincount(codes, minlength=n_classes)

    def count(
        self, arms: Sequence[Codes], codes: NDArray[Any], weights: NDArray[np.float32], n_classes: int
    ) -> list[ClassCounts]:
        """Counts per class, as products of the weights with indicators."""
        actual = (weights @ (codes[:, None] == np.arange(n_classes)).astype(np.float32)).astype(np.float64)
        made = []
        for predicted in arms:
            hits, named = np.empty((2, len(predicted), len(weights), n_classes))
            for repeat, p in enumerate(predicted):
                found = weights @ _hit_and_named(codes, p, n_classes)
                hits[repeat], named[repeat] = found[:, :n_classes], found[:, n_classes:]
            made.append(ClassCounts(hits, named, actual))
        return made

    def score(self, metric: Metric, codes: NDArray[Any], arm: Predictions, weights: NDArray[np.float32]) -> Array:
        """Metric of probabilities, or of pairs of true and predicted class."""
        if isinstance(metric, PairMetric):
            rows = np.mean([metric.from_pairs(codes, p) for p in arm.predicted], axis=0)
            return _row_mean(rows, np.ones(len(rows)), weights)
        assert isinstance(metric, ScoreMetric)
        lines = weights.astype(np.float64)
        values: Array = np.stack([metric.from_scores(codes, proba, lines) for proba in arm.proba]).mean(axis=0)
        return values

    def shuffled(
        self, metric: Metric, codes: NDArray[Any], arm: Predictions, size: int, rng: np.random.Generator
    ) -> Array:
        """Shuffled scores, or predictions dealt to the classes at random."""
        n_classes = arm.proba.shape[-1]
        if isinstance(metric, PairMetric):
            orders = [rng.permutation(len(codes)) for _ in range(size)]
            return np.array([np.mean([metric.from_pairs(codes, p[o]).mean() for p in arm.predicted]) for o in orders])
        if isinstance(metric, ScoreMetric):
            orders = [rng.permutation(len(codes)) for _ in range(min(size, FEW_SHUFFLES))]
            return np.array([np.mean([metric.from_scores(codes, p[o]) for p in arm.proba]) for o in orders])
        assert isinstance(metric, CountMetric)
        actual = np.bincount(codes, minlength=n_classes)
        named = np.stack([np.bincount(p, minlength=n_classes) for p in arm.predicted])
        hits = np.zeros((len(named), size, n_classes))
        for repeat, counts in enumerate(named):
            # Dealing predictions to classes at random needs their counts only, not the rows.
            for position in range(size):
                left = counts.copy()
                for code in np.flatnonzero(actual):
                    dealt = rng.multivariate_hypergeometric(left, actual[code], method="marginals")
                    hits[repeat, position, code] = dealt[code]
                    left -= dealt
        values: Array = metric.from_counts(
            hits, named[:, None, :].astype(np.float64), actual.astype(np.float64), float(len(codes))
        ).mean(axis=0)
        return values

    def discordant(
        self, codes: NDArray[Any], arm: Predictions, baseline: Predictions, n_classes: int
    ) -> tuple[Array, Array]:
        """Rows of each class that only the one predicts right."""
        right, base_right = arm.predicted == codes, baseline.predicted == codes
        gained = (right & ~base_right).mean(axis=0)
        lost = (base_right & ~right).mean(axis=0)
        up, down = (np.bincount(codes, weights=rows, minlength=n_classes) for rows in (gained, lost))
        return up.astype(np.float64), down.astype(np.float64)

    def evaluate(self, codes: NDArray[Any], proba: Array, predicted: Codes, n_classes: int) -> dict[str, float | None]:
        """All reported metrics of one set of predictions."""
        return evaluate(codes, proba, predicted, n_classes)


class SeveralLabels(Judging):
    """A row may have several labels; entries that are not known are not judged."""

    def strata(self, codes: NDArray[Any]) -> Codes:
        """The rarest label that each row has; rows without any are a group of their own."""
        has = codes == 1
        counts = has.sum(axis=0)
        rarest = np.where(has, counts, np.iinfo(np.int64).max).argmin(axis=1)
        strata: Codes = np.where(has.any(axis=1), rarest, codes.shape[1])
        return strata

    def support(self, codes: NDArray[Any], n_classes: int) -> Codes:
        """Rows that have each label."""
        support: Codes = (codes == 1).sum(axis=0)
        return support

    def count(
        self, arms: Sequence[Codes], codes: NDArray[Any], weights: NDArray[np.float32], n_classes: int
    ) -> list[ClassCounts]:
        """Counts per label over the known entries."""
        made = []
        for predicted in arms:
            parts = [label_counts(codes, p, weights) for p in predicted]
            _, _, actual, known = parts[0]
            hits, named = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])
            made.append(ClassCounts(hits, named, actual, known))
        return made

    def counts_suffice(self, metric: Metric) -> bool:
        """Whether a metric is computed from counts per label: not where it looks at whole rows."""
        return isinstance(metric, CountMetric) and not isinstance(metric, RowMetric)

    def score(self, metric: Metric, codes: NDArray[Any], arm: Predictions, weights: NDArray[np.float32]) -> Array:
        """Metric of whole rows, or of probabilities."""
        if isinstance(metric, RowMetric):
            means: Array = np.mean([_row_mean(*metric.from_rows(codes, p), weights) for p in arm.predicted], axis=0)
            return means
        if isinstance(metric, PairMetric):
            raise UsageError(f"{metric.name} is for one label per row; here rows may have several")
        assert isinstance(metric, ScoreMetric)
        lines = weights.astype(np.float64)
        values: Array = np.stack([metric.from_label_scores(codes, p, lines) for p in arm.proba]).mean(axis=0)
        return values

    def shuffled(
        self, metric: Metric, codes: NDArray[Any], arm: Predictions, size: int, rng: np.random.Generator
    ) -> Array:
        """Whole rows of predictions shuffled against the rows of labels."""
        orders = (rng.permutation(len(codes)) for _ in range(size))
        if self.counts_suffice(metric):
            assert isinstance(metric, CountMetric)
            return _shuffled_counts(codes, arm.predicted, list(orders)).value(metric)
        once = np.ones((1, len(codes)), dtype=np.float32)
        mixed = (Predictions(arm.predicted[:, order], arm.proba[:, order]) for order in orders)
        few = range(min(size, FEW_SHUFFLES))
        return np.array([self.score(metric, codes, part, once)[0] for _, part in zip(few, mixed, strict=False)])

    def discordant(
        self, codes: NDArray[Any], arm: Predictions, baseline: Predictions, n_classes: int
    ) -> tuple[Array, Array]:
        """Rows with the label that only the one gives it to."""
        has, named, base_named = codes == 1, arm.predicted == 1, baseline.predicted == 1
        gained = (has & named & ~base_named).mean(axis=0).sum(axis=0)
        lost = (has & base_named & ~named).mean(axis=0).sum(axis=0)
        return gained, lost

    def evaluate(self, codes: NDArray[Any], proba: Array, predicted: Codes, n_classes: int) -> dict[str, float | None]:
        """All reported metrics of one set of predictions."""
        return evaluate_label_sets(codes, proba, predicted)


def judging_of(codes: NDArray[Any]) -> Judging:
    """The way to judge predictions of rows with such labels."""
    return SeveralLabels() if codes.ndim == 2 else OneLabel()


def _hit_and_named(codes: Codes, predicted: Codes, n_classes: int) -> NDArray[np.float32]:
    # Both in one product: a column for each class where it is hit, then one for each class where it is named.
    both = np.zeros((len(codes), 2 * n_classes), dtype=np.float32)
    right = np.flatnonzero(predicted == codes)
    both[right, codes[right]] = 1
    both[np.arange(len(codes)), n_classes + predicted] = 1
    return both


def _shuffled_counts(codes: Array, predicted: Codes, orders: list[NDArray[np.int64]]) -> ClassCounts:
    """Counts per label of predictions in other orders; only entries that are 1 or not known are looked at again."""
    n_labels = codes.shape[1]
    named = predicted == 1

    def added(rows: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        shape = (len(named), len(orders), n_labels)
        sums = [np.bincount(labels, part[order[rows], labels], n_labels) for part in named for order in orders]
        return np.array(sums).reshape(shape)

    unknown = np.isnan(codes)
    left = named.sum(axis=1)[:, None, :] - added(*np.nonzero(unknown))
    actual, known = (codes == 1).sum(axis=0), (~unknown).sum(axis=0)
    once = np.ones((len(orders), 1))
    hits = added(*np.nonzero(codes == 1)).astype(np.float64)
    return ClassCounts(hits, left.astype(np.float64), once * actual, once * known)


def _row_mean(values: Array, mass: Array, weights: NDArray[np.float32]) -> Array:
    both = np.column_stack([values * mass, mass])
    # Some lines at a time: in float64 all of them would take twice the room they have.
    sums = np.concatenate([weights[start : start + 64] @ both for start in range(0, len(weights), 64)])
    mean: Array = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)
    return mean
