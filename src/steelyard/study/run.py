"""The main job: fit every arm on every fold, and compare."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from steelyard.engine import EngineData
from steelyard.metrics import Metric
from steelyard.strategy import conflicts
from steelyard.study.assess import Assessed, ScoredRows, assess, assess_tuned
from steelyard.study.cells import Cells, Progress, fit_cells
from steelyard.study.compare import choose_winner, class_tables, resample_count, score_arms
from steelyard.study.mixing import assess_blend
from steelyard.study.outcome import DataFacts, StudyOutcome
from steelyard.study.overweighting import overweighting_record
from steelyard.study.plan import Arm, BlendArm, StudyArm
from steelyard.study.resampling import bootstrapped
from steelyard.study.tuning import Tuning, dimensions, search_arms
from steelyard.study.tuning.record import tuning_notes
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
    tuning : Tuning, optional
        How the values that arms leave open are searched.
    """

    arms: tuple[StudyArm, ...]
    metric: Metric
    left_out: tuple[str, ...] = ()
    time_limit: float | None = None
    tuning: Tuning | None = None


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
    arms, late = _assessed(plan, data, scored, n_jobs, ledger, progress)
    done = [assessed.arm for assessed in arms]
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


def _assessed(
    plan: StudyPlan,
    data: EngineData,
    scored: ScoredRows,
    n_jobs: int,
    ledger: Path | None,
    progress: Progress | None,
) -> tuple[tuple[Assessed, ...], tuple[str, ...]]:
    """Arms that are finished, in the order of the plan, and sentences on the others; searched ones come last."""
    began = time.time()
    searched = [arm for arm in plan.arms if isinstance(arm, Arm) and dimensions(arm)]
    fixed = [arm for arm in plan.arms if arm not in searched]
    n_folds = sum(len(set(folds.tolist())) for folds in scored.folds)
    shown = _Shown(progress, len(fixed) * n_folds, len(searched) * (n_folds + 1))
    found: dict[StudyArm, Assessed] = {}
    late: list[str] = []
    if fixed:
        cells = fit_cells(
            fixed, data, scored, n_jobs=n_jobs, ledger=ledger, progress=shown.cell, time_limit=plan.time_limit
        )
        found = {arm: assess_arm(arm, cells, data, scored, plan.metric) for arm in fixed if _usable(arm, cells)}
        late = [text for arm in fixed if (text := _lateness(arm, cells, plan.time_limit))]
    if searched and plan.tuning:
        # Doing nothing comes first, so that there is something to compare with when the time runs out.
        searched.sort(key=lambda arm: not arm.does_nothing)
        tuned = search_arms(
            searched,
            data,
            plan.metric,
            plan.tuning,
            n_jobs=n_jobs,
            ledger=ledger,
            progress=shown.search,
            until=None if plan.time_limit is None else began + plan.time_limit,
            finish_first=not any(arm.does_nothing for arm in found),
        )
        found |= {arm: assess_tuned(arm, each, data, scored, plan.metric) for arm, each in tuned.items()}
        late += [f"{arm.id}: not finished within {plan.time_limit:g} s" for arm in searched if arm not in tuned]
    return tuple(found[arm] for arm in plan.arms if arm in found), tuple(late)


class _Shown:
    """Cells and searches counted as one."""

    def __init__(self, progress: Progress | None, n_cells: int, n_searches: int) -> None:
        self.progress, self.n_cells, self.total = progress, n_cells, n_cells + n_searches

    def cell(self, done: int, _: int, what: str) -> None:
        if self.progress:
            self.progress(done, self.total, what)

    def search(self, done: int, _: int, what: str) -> None:
        if self.progress:
            self.progress(self.n_cells + done, self.total, what)


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
    notes = tuning_notes(assessed.tuned) if assessed.tuned else []
    return [*conflicts(assessed.arm.strategy), *assessed.decision.notes, *notes]


def mixture_note(assessed: Assessed) -> str:
    """Sentence on what a mixture is made of, the largest share first."""
    ordered = sorted(assessed.mixture, key=lambda member: -member.weight)
    parts = ", ".join(f"{100 * member.weight:.0f} % {member.training}" for member in ordered)
    tried = len(assessed.arm.trainings)
    return f"auto is a mixture of {len(ordered)} of the {tried} arms that were tried for it: {parts}."
