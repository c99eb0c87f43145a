"""A mixture as an arm of a study: shares, calibration and rule are fitted on the folds that are not scored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import ClassFactors
from steelyard.blend import Member, mix
from steelyard.engine import EngineData, Training, one_thread
from steelyard.metrics import Metric
from steelyard.study.assess import Assessed, ScoredRows, positive_class, study_decision
from steelyard.study.judging import Predictions
from steelyard.study.plan import BlendArm

Array = NDArray[np.float64]


def assess_blend(
    arm: BlendArm,
    scores: Mapping[Training, NDArray[np.float32]],
    seconds: float,
    data: EngineData,
    scored: ScoredRows,
    metric: Metric,
) -> Assessed:
    """Out-of-fold predictions of a mixture.

    For each fold the shares, the calibrations and the rule are fitted on the out-of-fold scores of the other folds,
    just as they are fitted on all of them for the model that is kept; no row takes part in choosing what it is judged
    by. Nothing is trained a second time.

    Parameters
    ----------
    arm : BlendArm
    scores : mapping of Training to ndarray of float32, shape (n_repeats, n_scored, n_classes)
        Of the members that are finished on all folds, and maybe others.
    seconds : float
        Processor time of the members' fits.
    data : EngineData
    scored : ScoredRows
    metric : Metric
        The study's metric.
    """
    started = time.process_time()
    rule, positive = study_decision(arm, data, metric), positive_class(data)
    members = [member for member in arm.members if member in scores]
    raw = [scores[member] for member in members]
    predicted = np.empty((len(scored.folds), len(scored.codes)), dtype=np.int64)
    proba = np.empty((*predicted.shape, data.n_classes))
    with one_thread():
        for repeat, folds in enumerate(scored.folds):
            for fold in np.unique(folds):
                inside = folds == fold
                others = [part[repeat, ~inside] for part in raw]
                mixture, _ = _mixed(members, others, scored.codes[~inside], data)
                fitted = rule.fit(_scores(mixture, others), scored.codes[~inside], positive=positive)
                proba[repeat, inside] = _scores(mixture, [part[repeat, inside] for part in raw])
                predicted[repeat, inside] = fitted.predict(proba[repeat, inside])
        every = np.concatenate([scored.codes] * len(scored.folds))
        mixture, raw_every = _mixed(members, [part.reshape(-1, data.n_classes) for part in raw], every, data)
        final = rule.fit(_scores(mixture, raw_every), every, positive=positive)
    shared = tuple(member for member in mixture if member.weight > 0)
    took = seconds + time.process_time() - started
    return Assessed(arm, Predictions(predicted, proba), final, took, shared)


def _mixed(
    members: Sequence[Training], raw: list[NDArray[np.float32]], codes: NDArray[np.int64], data: EngineData
) -> tuple[list[Member], list[NDArray[np.float32]]]:
    neutral = ClassFactors((1.0,) * data.n_classes)
    found, _ = mix([Member(t, 0.0, neutral) for t in members], raw, codes, np.ones(len(codes)), data.seed)
    return found, raw


def _scores(mixture: Sequence[Member], raw: Sequence[NDArray[np.float32]]) -> Array:
    """Probabilities of the mixture, rounded as the trained model rounds them, so that ties fall alike."""
    parts = zip(mixture, raw, strict=True)
    total = sum(member.weight * member.transform(proba) for member, proba in parts if member.weight)
    return ClassFactors.normalised(np.asarray(total).astype(np.float32).astype(np.float64))
