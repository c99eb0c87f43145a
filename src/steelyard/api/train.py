"""One arm trained on all rows, without a comparison."""

from __future__ import annotations

from steelyard.api.label_sets import written_info
from steelyard.api.prepare import FoldOptions, RawTable, prepare
from steelyard.api.result import fit_arm
from steelyard.api.study import mixture_arm
from steelyard.artifact import TrainedModel
from steelyard.errors import UsageError
from steelyard.metrics import Metric
from steelyard.models import Model
from steelyard.strategy import Strategy
from steelyard.study import AUTO, StudyArm, StudyPlan, check_arms, fit_decision, make_arms


def train_arm(
    table: RawTable,
    strategy: Strategy | str,
    model: Model | str,
    *,
    metric: Metric,
    options: FoldOptions,
    n_jobs: int = 1,
) -> tuple[TrainedModel, tuple[str, ...]]:
    """Trained model of one arm, and warnings about the data.

    The decision rule is fitted on out-of-fold scores, as in a study; a rule that has nothing to fit needs none. Where
    strategy and model are ``"auto"`` it is a mixture, whose shares are fitted on them too.

    Raises
    ------
    UsageError
        When the model cannot be trained with the strategy's loss, or one of the two is ``"auto"`` and not the other.
    """
    if (strategy == AUTO) != (model == AUTO):
        raise UsageError("auto chooses models and strategies together: give both --model auto and --strategy auto")
    data, facts = prepare(table, options)
    arm: StudyArm
    if strategy == AUTO:
        arm = mixture_arm(len(data.codes), data.n_classes, data.multilabel)
    else:
        assert isinstance(strategy, Strategy)
        assert isinstance(model, Model)
        arms, left_out = make_arms([strategy], [model], data.multilabel)
        if left_out:
            raise UsageError(left_out[0])
        arm = next(arm for arm in arms if arm.strategy == strategy)
    plan = check_arms(StudyPlan((arm,), metric), data)
    assessed = fit_decision(arm, data, plan.metric, n_jobs=n_jobs)
    info = {"metric": str(metric), "target": table.target, **written_info(facts)}
    return fit_arm(assessed, data, info, facts.media), facts.warnings
