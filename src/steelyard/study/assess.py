"""From the scores of a fit to what an arm predicts: adjustment, and a decision fitted on other folds' scores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import Adjustment, ClassFactors
from steelyard.decisions import Decision, FittedDecision
from steelyard.engine import EngineData, Training, TrainingFacts, training_facts
from steelyard.metrics import Metric
from steelyard.study.plan import Arm
from steelyard.study.resampling import Predictions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Assessed:
    """An arm with its out-of-fold predictions and its final rule."""

    arm: Arm
    predictions: Predictions
    decision: FittedDecision
    seconds: float


@dataclass(frozen=True)
class ScoredRows:
    """The rows that are scored: positions, classes and folds.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_scored,)
    codes : ndarray of int64, shape (n_scored,)
    folds : ndarray of int64, shape (n_repeats, n_scored)
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    folds: NDArray[np.int64]

    @classmethod
    def of(cls, data: EngineData) -> ScoredRows:
        """Scored rows of a data set: the same in each repeat."""
        rows = np.flatnonzero(data.folds[0] >= 0)
        return cls(rows, data.codes[rows], data.folds[:, rows])


def bind_adjustment(arm: Arm, facts: TrainingFacts, classes: tuple[object, ...]) -> ClassFactors:
    """Adjustment of an arm for a model trained on such rows."""
    adjustment = arm.strategy.adjustment
    assert isinstance(adjustment, Adjustment)
    return adjustment.bind(priors=facts.priors, weights=facts.weights, classes=classes)


def study_decision(arm: Arm, n_classes: int, metric: Metric) -> Decision:
    """Decision of an arm with what it leaves open filled in by the study."""
    decision = arm.strategy.decision
    assert isinstance(decision, Decision)
    return decision.for_study(n_classes=n_classes, metric=metric)


def rarer_class(codes: NDArray[np.int64], n_classes: int) -> int:
    """Positive class of a two-class problem: the one with fewer rows, the second when they are equal."""
    counts = np.bincount(codes, minlength=n_classes)
    return int(n_classes - 1 - counts[::-1].argmin())


def assess(
    arm: Arm,
    scores: Mapping[Training, NDArray[np.float32]],
    seconds: float,
    data: EngineData,
    scored: ScoredRows,
    metric: Metric,
) -> Assessed:
    """Out-of-fold predictions of an arm.

    For each fold the decision is fitted on the out-of-fold scores of the other folds, so that no row takes part
    in choosing the rule it is judged by. The final rule is fitted on all of them.

    Parameters
    ----------
    arm : Arm
    scores : mapping of Training to ndarray of float32, shape (n_repeats, n_scored, n_classes)
    seconds : float
        Processor time of the fits.
    data : EngineData
    scored : ScoredRows
    metric : Metric
        The study's metric.
    """
    started = time.process_time()
    proba = _adjusted(arm, scores[arm.training], data, scored)
    rule = study_decision(arm, data.n_classes, metric)
    positive = rarer_class(data.codes, data.n_classes) if data.n_classes == 2 else None
    predicted = np.empty(proba.shape[:2], dtype=np.int64)
    for repeat, folds in enumerate(scored.folds):
        for fold in np.unique(folds):
            inside = folds == fold
            fitted = rule.fit(proba[repeat, ~inside], scored.codes[~inside], positive=positive)
            predicted[repeat, inside] = fitted.predict(proba[repeat, inside])
    final = rule.fit(proba.reshape(-1, data.n_classes), np.tile(scored.codes, len(proba)), positive=positive)
    return Assessed(arm, Predictions(predicted, proba), final, seconds + time.process_time() - started)


def _adjusted(arm: Arm, scores: NDArray[np.float32], data: EngineData, scored: ScoredRows) -> Array:
    proba = scores.astype(np.float64)
    proba /= proba.sum(axis=-1, keepdims=True)
    if "adjustment" not in arm.strategy.active():
        return proba
    for repeat, folds in enumerate(scored.folds):
        for fold in np.unique(folds):
            inside = folds == fold
            facts = training_facts(arm.training, data.codes[data.train_rows(repeat, int(fold))], data.classes)
            factors = bind_adjustment(arm, facts, data.classes)
            proba[repeat, inside] = factors.transform(proba[repeat, inside])
    return proba
