"""Every part of every arm tried on rows made up for the purpose, so that what does not fit is known before any fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steelyard.engine import EngineData, training_facts
from steelyard.errors import DataError
from steelyard.metrics import Metric
from steelyard.study.assess import ScoredRows, bind_adjustment, rarer_class, study_decision
from steelyard.study.resampling import Predictions, metric_values
from steelyard.study.run import StudyPlan


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
    if len(np.unique(scored.codes)) < 2:
        raise DataError("fewer than two classes can be scored: a class needs two rows in folds that are scored")
    if any(len(np.unique(folds)) < 2 for folds in scored.folds):
        raise DataError("all rows that can be scored are in one fold; at least two folds need some")
    n = data.n_classes
    codes = np.tile(np.arange(n), 3)
    proba = np.random.default_rng(0).dirichlet(np.ones(n), size=len(codes))
    metric = _resolved(plan.metric, data)
    metric_values(metric, codes, Predictions(proba.argmax(axis=1)[None], proba[None]), np.ones((1, len(codes)), "f4"))
    positive = rarer_class(data.codes, n) if n == 2 else None
    for arm in plan.arms:
        facts = training_facts(arm.training, data.codes, data.classes)
        arm.training.loss.bind(facts.priors)
        adjusted = bind_adjustment(arm, facts, data.classes).transform(proba)
        study_decision(arm, n, metric).fit(adjusted, codes, positive=positive).predict(adjusted)
    return replace(plan, metric=metric)


def _resolved(metric: Metric, data: EngineData) -> Metric:
    """Metric of a study: one that looks at a single class looks at the rarer of two."""
    if "positive" in metric.params() and metric.params()["positive"] is None and data.n_classes == 2:
        return metric.replace(positive=rarer_class(data.codes, 2))
    return metric
