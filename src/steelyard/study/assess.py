"""From the scores of a fit to what an arm predicts: adjustment, and a decision fitted on other folds' scores."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import Adjustment, ClassFactors, LabelFactors
from steelyard.blend import Member
from steelyard.decisions import Decision, FittedDecision
from steelyard.engine import EngineData, Training, TrainingFacts, training_facts
from steelyard.metrics import Metric
from steelyard.study.judging import Predictions
from steelyard.study.plan import Arm, StudyArm

if TYPE_CHECKING:
    from steelyard.study.tuning import Tuned

Array = NDArray[np.float64]
#: Arm that was trained for a repeat and fold.
ArmAt = Mapping[tuple[int, int], Arm]


@dataclass(frozen=True)
class Assessed:
    """An arm with its out-of-fold predictions and its final rule.

    Parameters
    ----------
    arm : Arm or BlendArm
    predictions : Predictions
    decision : FittedDecision
    seconds : float
        Processor time.
    mixture : tuple of Member
        Where it is a mixture: the arms with a share in it, not yet trained on all rows.
    tuned : Tuned, optional
        Where its values were searched: what was found for each fold, and on all rows.
    """

    arm: StudyArm
    predictions: Predictions
    decision: FittedDecision
    seconds: float
    mixture: tuple[Member, ...] = ()
    tuned: Tuned | None = None

    @property
    def final(self) -> StudyArm:
        """The arm as its final model is trained."""
        return self.tuned.whole.arm if self.tuned else self.arm


@dataclass(frozen=True)
class ScoredRows:
    """The rows that are scored: positions, classes and folds.

    Parameters
    ----------
    rows : ndarray of int64, shape (n_scored,)
    codes : ndarray of shape (n_scored,), or (n_scored, n_classes) where rows may have several labels
        There a label that fewer than two of the rows have, or have not, is nowhere known: it is never scored.
    folds : ndarray of int64, shape (n_repeats, n_scored)
    """

    rows: NDArray[np.int64]
    codes: NDArray[Any]
    folds: NDArray[np.int64]

    @classmethod
    def of(cls, data: EngineData) -> ScoredRows:
        """Scored rows of a data set: the same in each repeat."""
        rows = np.flatnonzero(data.folds[0] >= 0)
        codes = data.codes[rows]
        if data.multilabel:
            few = np.minimum((codes == 1).sum(axis=0), (codes == 0).sum(axis=0)) < 2
            codes[:, few] = np.nan
        return cls(rows, codes, data.folds[:, rows])


def bind_adjustment(arm: Arm, facts: TrainingFacts, classes: tuple[object, ...]) -> ClassFactors | LabelFactors:
    """Adjustment of an arm for a model trained on such rows."""
    adjustment = arm.strategy.adjustment
    assert isinstance(adjustment, Adjustment)
    bind = adjustment.bind if facts.known is None else adjustment.bind_labels
    return bind(priors=facts.priors, weights=facts.weights, classes=classes)


def study_decision(arm: StudyArm, data: EngineData, metric: Metric) -> Decision:
    """Decision of an arm with what it leaves open filled in by the study."""
    return arm.decision.for_study(n_classes=data.n_classes, metric=metric, multilabel=data.multilabel)


def positive_class(data: EngineData) -> int | None:
    """The class that a rule for two classes cuts; None where there are more, or rows may have several labels."""
    return rarer_class(data.codes, 2) if data.n_classes == 2 and not data.multilabel else None


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
    return _assessed(arm, scores[arm.training], None, seconds, data, scored, metric)


def assess_tuned(arm: Arm, tuned: Tuned, data: EngineData, scored: ScoredRows, metric: Metric) -> Assessed:
    """Out-of-fold predictions of an arm whose values were searched for each fold by itself."""
    scores = tuned.scores(scored, data.n_classes)
    made = _assessed(tuned.whole.arm, scores, tuned.arm_at, tuned.seconds, data, scored, metric)
    return replace(made, arm=arm, tuned=tuned)


def _assessed(
    arm: Arm,
    scores: NDArray[np.float32],
    arm_at: ArmAt | None,
    seconds: float,
    data: EngineData,
    scored: ScoredRows,
    metric: Metric,
) -> Assessed:
    started = time.process_time()
    predictions = out_of_fold(arm, scores, data, scored, metric, arm_at)
    proba = predictions.proba
    every = np.concatenate([scored.codes] * len(proba))
    rule, positive = study_decision(arm, data, metric), positive_class(data)
    final = rule.fit(proba.reshape(-1, data.n_classes), every, positive=positive)
    if data.multilabel:
        final = replace(final, notes=named_notes(final.notes, data.classes))
    return Assessed(arm, predictions, final, seconds + time.process_time() - started)


def out_of_fold(
    arm: Arm,
    scores: NDArray[np.float32],
    data: EngineData,
    scored: ScoredRows,
    metric: Metric,
    arm_at: ArmAt | None = None,
) -> Predictions:
    """What an arm says of the scored rows, each fold by a rule fitted on the others; with ``arm_at``, an arm a fold."""
    at = arm_at or {}
    proba = _adjusted(arm, scores, data, scored, at)
    positive = positive_class(data)
    predicted = np.empty((len(proba), *scored.codes.shape), dtype=np.int64)
    for repeat, folds in enumerate(scored.folds):
        for fold in np.unique(folds):
            inside = folds == fold
            rule = study_decision(at.get((repeat, int(fold)), arm), data, metric)
            fitted = rule.fit(proba[repeat, ~inside], scored.codes[~inside], positive=positive)
            predicted[repeat, inside] = fitted.predict(proba[repeat, inside])
    return Predictions(predicted, proba)


def named_notes(notes: Sequence[str], classes: Sequence[object], most: int = 2) -> tuple[str, ...]:
    """Notes on labels by name and not by number; of many, the first and the names of the others.

    Examples
    --------
    >>> named_notes(["label 0: few", "label 2: fewer", "label 1: none"], ("a", "b", "c"))
    ('a: few', 'c: fewer', 'the same holds for b')
    """
    said: list[str] = []
    others: list[str] = []
    for note in notes:
        label, _, text = note.removeprefix("label ").partition(": ")
        if text.startswith("no known rows"):
            # A label that is never scored; the study says so once.
            continue
        name = str(classes[int(label)]) if label.isdigit() else label
        if len(said) < most:
            said.append(f"{name}: {text}")
        else:
            others.append(name)
    return (*said, f"the same holds for {', '.join(others)}") if others else tuple(said)


def _adjusted(arm: Arm, scores: NDArray[np.float32], data: EngineData, scored: ScoredRows, at: ArmAt) -> Array:
    factors = LabelFactors if data.multilabel else ClassFactors
    proba = factors.normalised(scores.astype(np.float64))
    if "adjustment" not in arm.strategy.active() and not at:
        return proba
    for repeat, folds in enumerate(scored.folds):
        for fold in np.unique(folds):
            own = at.get((repeat, int(fold)), arm)
            inside = folds == fold
            facts = training_facts(own.training, data.codes[data.train_rows(repeat, int(fold))], data.classes)
            bound = bind_adjustment(own, facts, data.classes)
            proba[repeat, inside] = bound.transform(proba[repeat, inside])
    return proba
