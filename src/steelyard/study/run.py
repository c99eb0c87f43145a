"""The main job: fit every arm on every fold, and compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelyard.decisions import FittedDecision
from steelyard.engine import EngineData, FitOutcome, FitPlan, Training, fit_many
from steelyard.errors import DataError
from steelyard.metrics import Metric
from steelyard.strategy import conflicts
from steelyard.study.assess import ScoredRows, assess
from steelyard.study.compare import choose_winner, class_tables, resample_count, score_arms
from steelyard.study.ledger import Ledger
from steelyard.study.outcome import DataFacts, StudyOutcome
from steelyard.study.plan import Arm
from steelyard.study.resampling import bootstrapped
from steelyard.study.verdict import judge

#: Called as (done, total, what): cells finished, cells in all, the model just trained.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class StudyPlan:
    """What to study.

    Parameters
    ----------
    arms : tuple of Arm
    metric : Metric
        What arms are ranked by.
    left_out : tuple of str
        Sentences on arms that were asked for and cannot be trained.
    """

    arms: tuple[Arm, ...]
    metric: Metric
    left_out: tuple[str, ...] = ()


def execute(
    plan: StudyPlan,
    data: EngineData,
    facts: DataFacts,
    *,
    n_jobs: int = 1,
    ledger: Path | None = None,
    progress: Progress | None = None,
) -> StudyOutcome:
    """Fit, predict out of fold, compare and judge.

    Parameters
    ----------
    plan : StudyPlan
    data : EngineData
    facts : DataFacts
    n_jobs : int, default 1
        Processes; the result does not depend on it.
    ledger : Path, optional
        File in which finished cells are kept, and from which they are taken again.
    progress : callable, optional
        Called after each fit.

    Raises
    ------
    DataError
        When fewer than two classes can be scored.
    """
    scored = ScoredRows.of(data)
    if len(np.unique(scored.codes)) < 2:
        raise DataError(
            "fewer than two classes can be scored: a class needs at least two rows outside never-scored ones"
        )
    scores, seconds = _fit_all(plan.arms, data, scored, n_jobs, ledger, progress)
    arms = tuple(assess(arm, scores, seconds[arm.training], data, scored, plan.metric) for arm in plan.arms)
    predictions = [arm.predictions for arm in arms]
    plain = [i for i, arm in enumerate(plan.arms) if arm.strategy.does_nothing]
    size = resample_count(len(scored.codes), len(arms))
    drawn = bootstrapped(plan.metric, scored.codes, predictions, size=size, seed=data.seed)
    table = score_arms(plan.metric, scored.codes, predictions, plain, drawn, data.seed)
    winner = choose_winner(plan.metric, scored.codes, predictions, plain, table, data.seed)
    return StudyOutcome(
        facts=facts,
        data=data,
        scored=scored,
        metric=plan.metric,
        arms=arms,
        scores=table,
        classes=class_tables(scored.codes, predictions, table.baseline, drawn),
        winner=winner,
        verdict=judge(plan.arms, table, winner, plan.metric),
        left_out=plan.left_out,
    )


def fit_decision(arm: Arm, data: EngineData, metric: Metric) -> FittedDecision:
    """Decision of an arm, fitted on the out-of-fold scores of that arm alone."""
    scored = ScoredRows.of(data)
    scores, seconds = _fit_all([arm], data, scored, 1, None, None)
    return assess(arm, scores, seconds[arm.training], data, scored, metric).decision


def arm_notes(outcome: StudyOutcome, index: int) -> list[str]:
    """Sentences on what is special about an arm."""
    assessed = outcome.arms[index]
    return [*conflicts(assessed.arm.strategy), *assessed.decision.notes]


def _fit_all(
    arms: Sequence[Arm],
    data: EngineData,
    scored: ScoredRows,
    n_jobs: int,
    ledger_path: Path | None,
    progress: Progress | None,
) -> tuple[dict[Training, NDArray[np.float32]], dict[Training, float]]:
    users: dict[Training, list[Arm]] = {}
    for arm in arms:
        users.setdefault(arm.training, []).append(arm)
    plans = [
        FitPlan(training, repeat, int(fold))
        for repeat, folds in enumerate(scored.folds)
        for fold in np.unique(folds)
        for training in users
    ]
    scores = {training: np.full((*scored.folds.shape, data.n_classes), np.nan, dtype=np.float32) for training in users}
    seconds = dict.fromkeys(users, 0.0)
    cells = len(arms) * len(plans) // len(users)
    done = 0

    def keep(outcome: FitOutcome) -> None:
        nonlocal done
        plan = outcome.plan
        scores[plan.training][plan.repeat, scored.folds[plan.repeat] == plan.fold] = outcome.proba
        seconds[plan.training] += outcome.seconds
        done += len(users[plan.training])
        if progress:
            progress(done, cells, str(plan.training.model))

    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(ledger_path, data)) if ledger_path else None
        missing = []
        for plan in plans:
            found = ledger.lookup(plan) if ledger else None
            if found is None:
                missing.append(plan)
            else:
                keep(found)
        for outcome in fit_many(missing, data, n_jobs=n_jobs):
            if ledger:
                ledger.record(outcome, users[outcome.plan.training])
            keep(outcome)
    return scores, seconds
