"""The main job: fit every arm on every fold, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steelyard.engine import EngineData
from steelyard.metrics import Metric
from steelyard.strategy import conflicts
from steelyard.study.assess import Assessed, ScoredRows, assess
from steelyard.study.cells import Cells, Progress, fit_cells
from steelyard.study.compare import choose_winner, class_tables, resample_count, score_arms
from steelyard.study.mixing import assess_blend
from steelyard.study.outcome import DataFacts, StudyOutcome
from steelyard.study.overweighting import overweighting_record
from steelyard.study.plan import BlendArm, StudyArm
from steelyard.study.resampling import bootstrapped
from steelyard.study.verdict import judge

_NO_TIME = "What too much weight does was not looked at, as the study's time was limited."


@dataclass(frozen=True)
class StudyPlan:
    """What to study.

    Parameters
    ----------
    arms : tuple of Arm or BlendArm
    metric : Metric
        What arms are ranked by.
    left_out : tuple of str
        Sentences on arms that were asked for and cannot be trained.
    time_limit : float, optional
        Seconds after which no further fit is waited for. Arms that are not finished on all folds are left out,
        and said; doing nothing on one model is always finished.
    """

    arms: tuple[StudyArm, ...]
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
    done = [arm for arm in plan.arms if _usable(arm, cells)]
    late = tuple(text for arm in plan.arms if (text := _lateness(arm, cells, plan.time_limit)))
    arms = tuple(assess_arm(arm, cells, data, scored, plan.metric) for arm in done)
    predictions = [arm.predictions for arm in arms]
    plain = [i for i, arm in enumerate(done) if arm.does_nothing]
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


def assess_arm(arm: StudyArm, cells: Cells, data: EngineData, scored: ScoredRows, metric: Metric) -> Assessed:
    """Out-of-fold predictions of an arm of either kind."""
    seconds = sum(cells.seconds.get(training, 0.0) for training in arm.trainings)
    judge_arm = assess_blend if isinstance(arm, BlendArm) else assess
    return judge_arm(arm, cells.scores, seconds, data, scored, metric)  # type: ignore[arg-type]  # each gets its own


def _usable(arm: StudyArm, cells: Cells) -> bool:
    """Whether enough is finished: all that is fitted for an arm, or two members of a mixture."""
    return sum(training in cells.scores for training in arm.trainings) >= min(2, len(arm.trainings))


def _lateness(arm: StudyArm, cells: Cells, limit: float | None) -> str:
    """Sentence on what of an arm was not finished in time; nothing where all of it was."""
    missing = sum(training not in cells.scores for training in arm.trainings)
    if not missing:
        return ""
    if _usable(arm, cells):
        return f"{arm.id}: {missing} of its {len(arm.trainings)} members not finished within {limit:g} s, so not mixed"
    return f"{arm.id}: not finished within {limit:g} s"


def fit_decision(arm: StudyArm, data: EngineData, metric: Metric, n_jobs: int = 1) -> Assessed:
    """An arm alone, with its decision fitted on its out-of-fold scores, and where it is a mixture its shares."""
    scored = ScoredRows.of(data)
    return assess_arm(arm, fit_cells([arm], data, scored, n_jobs=n_jobs), data, scored, metric)


def arm_notes(outcome: StudyOutcome, index: int) -> list[str]:
    """Sentences on what is special about an arm."""
    assessed = outcome.arms[index]
    if isinstance(assessed.arm, BlendArm):
        return [mixture_note(assessed), *assessed.decision.notes]
    return [*conflicts(assessed.arm.strategy), *assessed.decision.notes]


def mixture_note(assessed: Assessed) -> str:
    """Sentence on what a mixture is made of, the largest share first."""
    ordered = sorted(assessed.mixture, key=lambda member: -member.weight)
    parts = ", ".join(f"{100 * member.weight:.0f} % {member.training}" for member in ordered)
    tried = len(assessed.arm.trainings)
    return f"auto is a mixture of {len(ordered)} of the {tried} arms that were tried for it: {parts}."
