"""The main job: fit every arm on every fold, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steelyard.decisions import FittedDecision
from steelyard.engine import EngineData
from steelyard.metrics import Metric
from steelyard.strategy import conflicts
from steelyard.study.assess import ScoredRows, assess
from steelyard.study.cells import Progress, fit_cells
from steelyard.study.compare import choose_winner, class_tables, resample_count, score_arms
from steelyard.study.outcome import DataFacts, StudyOutcome
from steelyard.study.overweighting import overweighting_record
from steelyard.study.plan import Arm
from steelyard.study.resampling import bootstrapped
from steelyard.study.verdict import judge

_NO_TIME = "What too much weight does was not looked at, as the study's time was limited."


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
    time_limit : float, optional
        Seconds after which no further fit is waited for. Arms that are not finished on all folds are left out,
        and said; doing nothing on one model is always finished.
    """

    arms: tuple[Arm, ...]
    metric: Metric
    left_out: tuple[str, ...] = ()
    time_limit: float | None = None


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

    The plan is expected to have passed ``check_arms``.
    """
    scored = ScoredRows.of(data)
    cells = fit_cells(
        plan.arms, data, scored, n_jobs=n_jobs, ledger=ledger, progress=progress, time_limit=plan.time_limit
    )
    done = [arm for arm in plan.arms if arm.training in cells.scores]
    late = tuple(f"{arm.id}: not finished within {plan.time_limit:g} s" for arm in plan.arms if arm not in done)
    arms = tuple(assess(arm, cells.scores, cells.seconds[arm.training], data, scored, plan.metric) for arm in done)
    predictions = [arm.predictions for arm in arms]
    plain = [i for i, arm in enumerate(done) if arm.strategy.does_nothing]
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
        verdict=judge(done, table, winner, plan.metric),
        left_out=(*plan.left_out, *late),
        late=late,
        # A demonstration must not use up the time that arms could have had.
        overweighting={"skipped": _NO_TIME} if plan.time_limit else overweighting_record(data, n_jobs),
    )


def fit_decision(arm: Arm, data: EngineData, metric: Metric, n_jobs: int = 1) -> FittedDecision:
    """Decision of an arm, fitted on the out-of-fold scores of that arm alone."""
    scored = ScoredRows.of(data)
    cells = fit_cells([arm], data, scored, n_jobs=n_jobs)
    return assess(arm, cells.scores, cells.seconds[arm.training], data, scored, metric).decision


def arm_notes(outcome: StudyOutcome, index: int) -> list[str]:
    """Sentences on what is special about an arm."""
    assessed = outcome.arms[index]
    return [*conflicts(assessed.arm.strategy), *assessed.decision.notes]
