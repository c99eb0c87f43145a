"""One arm trained on all rows, without a comparison."""

from __future__ import annotations

from steelyard.api.label_sets import written_info
from steelyard.api.prepare import FoldOptions, RawTable, prepare
from steelyard.api.result import fit_arm
from steelyard.artifact import TrainedModel
from steelyard.errors import UsageError
from steelyard.metrics import Metric
from steelyard.models import Model
from steelyard.strategy import Strategy
from steelyard.study import StudyPlan, check_arms, fit_decision, make_arms


def train_arm(
    table: RawTable, strategy: Strategy, model: Model, *, metric: Metric, options: FoldOptions, n_jobs: int = 1
) -> tuple[TrainedModel, tuple[str, ...]]:
    """Trained model of one arm, and warnings about the data.

    The decision rule is fitted on out-of-fold scores, as in a study; a rule that has nothing to fit needs none.

    Raises
    ------
    UsageError
        When the model cannot be trained with the strategy's loss.
    """
    data, facts = prepare(table, options)
    arms, left_out = make_arms([strategy], [model], data.multilabel)
    if left_out:
        raise UsageError(left_out[0])
    arm = next(arm for arm in arms if arm.strategy == strategy)
    plan = check_arms(StudyPlan((arm,), metric), data)
    decision = fit_decision(arm, data, plan.metric, n_jobs=n_jobs)
    info = {"metric": str(metric), "target": table.target, **written_info(facts)}
    return fit_arm(arm, decision, data, info, facts.media), facts.warnings
