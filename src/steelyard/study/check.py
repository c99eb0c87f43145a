"""Every part of every arm tried on rows made up for the purpose, so that what does not fit is known before any fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steelyard.engine import EngineData, Training, TrainingFacts, training_facts
from steelyard.errors import DataError, UsageError
from steelyard.features import TableEncoder
from steelyard.metrics import Metric
from steelyard.study.assess import ScoredRows, bind_adjustment, positive_class, study_decision
from steelyard.study.judging import Predictions
from steelyard.study.plan import BlendArm
from steelyard.study.resampling import metric_values
from steelyard.study.run import StudyPlan
from steelyard.study.tuning import dimensions, started


def check_arms(plan: StudyPlan, data: EngineData) -> StudyPlan:
    """Bind every arm, and compute the metric, on scores that say nothing.

    Returns
    -------
    StudyPlan
        The plan, with what its metric leaves open filled in: ready to be executed.

    Raises
    ------
    UsageError
        When a weighting, a loss, an adjustment, a decision or the metric does not fit the classes.
    DataError
        When fewer than two classes, or fewer than two folds, can be scored.
    """
    scored = ScoredRows.of(data)
    if data.multilabel:
        if not (scored.codes == 1).any():
            raise DataError("no label can be scored: a label needs two rows that have it and two that have it not")
    elif len(np.unique(scored.codes)) < 2:
        raise DataError("fewer than two classes can be scored: a class needs two rows in folds that are scored")
    if any(len(np.unique(folds)) < 2 for folds in scored.folds):
        raise DataError("all rows that can be scored are in one fold; at least two folds need some")
    if plan.tuning is None and (opened := next((arm for arm in plan.arms if dimensions(arm)), None)):
        raise UsageError(f"{opened.id} leaves values open: write some, or let 'steelyard study --tune' search them")
    if plan.tuning and any(len(np.unique(folds)) < 3 for folds in scored.folds):
        raise UsageError("--tune needs at least 3 folds: values are chosen by the other folds of the rows trained on")
    n = data.n_classes
    codes = np.tile(np.eye(n), (3, 1)) if data.multilabel else np.tile(np.arange(n), 3)
    proba = np.random.default_rng(0).dirichlet(np.ones(n), size=len(codes))
    known = data.unlabelled is None and not (data.multilabel and np.isnan(data.codes).any())
    if known and (giving := [t for arm in plan.arms for t in arm.trainings if t.labelling.gives]):
        raise UsageError(f"{giving[0].labelling}: every label is known, so there is nothing to give; leave it out")
    metric = _resolved(plan.metric, data)
    arm = Predictions(proba.argmax(axis=1)[None], proba[None])
    if data.multilabel:
        arm = Predictions((proba > 0.5).astype(np.int64)[None], proba[None])
    metric_values(metric, codes, arm, np.ones((1, len(codes)), "f4"))
    for model in dict.fromkeys(training.model for arm in plan.arms for training in arm.trainings):
        if model.encoding == "raw":
            model.check(TableEncoder(model.encoding).fit(data.matrix, data.schema).transform(data.matrix))
    for each in map(started, plan.arms):
        for training in each.trainings:
            facts = training_facts(training, data.codes, data.classes)
            _bind_loss(training, facts)
            adjusted = (
                proba if isinstance(each, BlendArm) else bind_adjustment(each, facts, data.classes).transform(proba)
            )
        rule = study_decision(each, data, metric)
        rule.fit(adjusted, codes, positive=positive_class(data)).predict(adjusted)
    return replace(plan, metric=metric)


def _bind_loss(training: Training, facts: TrainingFacts) -> None:
    loss, model = training.loss, training.model
    if facts.known is None:
        loss.bind(facts.priors)
    elif loss.multilabel and model.multilabel:
        loss.bind_multilabel(facts.priors)
    else:
        # One model of two classes for each label.
        loss.bind(np.array([0.5, 0.5]))


def _resolved(metric: Metric, data: EngineData) -> Metric:
    """Metric of a study: names of classes are put in order, and a single class looked at is the rarer of two."""
    metric = metric.for_classes(data.classes)
    positive = positive_class(data)
    if positive is not None and metric.params().get("positive", 0) is None:
        return metric.replace(positive=positive)
    return metric
