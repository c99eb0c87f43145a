"""The cells of a study (arm x fold x repeat), fitted or taken from the ledger."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData, FitOutcome, FitPlan, Training, fit_many
from steelyard.study.assess import ScoredRows
from steelyard.study.ledger import Ledger
from steelyard.study.plan import StudyArm

#: Called as (done, total, what): cells finished, cells in all, the model just trained.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Cells:
    """Scores of every training that is finished on all folds.

    Parameters
    ----------
    scores : dict of Training to ndarray of float32, shape (n_repeats, n_scored, n_classes)
    seconds : dict of Training to float
        Processor time of its fits.
    """

    scores: dict[Training, NDArray[np.float32]]
    seconds: dict[Training, float]


def fit_cells(
    arms: Sequence[StudyArm],
    data: EngineData,
    scored: ScoredRows,
    *,
    n_jobs: int = 1,
    ledger: Path | None = None,
    progress: Progress | None = None,
    time_limit: float | None = None,
) -> Cells:
    """Fit what the arms need; arms that differ only after training share a fit.

    Under a time limit doing nothing comes first, on every model, then one strategy after the other; the first
    training is finished whatever it takes.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    users: dict[Training, list[StudyArm]] = {}
    for arm in sorted(arms, key=lambda arm: not arm.does_nothing) if deadline else arms:
        for training in arm.trainings:
            users.setdefault(training, []).append(arm)
    table = _Table(users, data, scored)
    with ExitStack() as stack:
        book = stack.enter_context(Ledger(ledger, data)) if ledger else None
        missing = []
        for plan in table.plans:
            found = book.lookup(plan) if book else None
            if found is None:
                missing.append(plan)
            else:
                table.keep(found)
        table.start(progress)

        def late() -> bool:
            return time.monotonic() > (deadline or math.inf) and table.first_is_done

        stop = None if deadline is None else late
        for outcome in stack.enter_context(closing(fit_many(missing, data, n_jobs=n_jobs, stop=stop))):
            finished = table.keep(outcome)
            if book:
                book.record(outcome, finished)
            table.say(outcome)
    return table.finished()


class _Table:
    """Scores as they come in."""

    def __init__(self, users: dict[Training, list[StudyArm]], data: EngineData, scored: ScoredRows) -> None:
        self.users, self.scored = users, scored
        places = [(repeat, int(fold)) for repeat, folds in enumerate(scored.folds) for fold in np.unique(folds)]
        self.plans = [FitPlan(training, *place) for training in users for place in places]
        shape = (*scored.folds.shape, data.n_classes)
        self.scores = {training: np.full(shape, np.nan, dtype=np.float32) for training in users}
        self.seconds = dict.fromkeys(users, 0.0)
        self.left = dict.fromkeys(users, len(places))
        #: Fits that a cell of an arm still waits for: one, or as many as a mixture has members.
        self.waiting = Counter((arm, place) for arms in users.values() for arm in arms for place in places)
        self.total = len(self.waiting)
        self.done = 0
        self.progress: Progress | None = None

    def start(self, progress: Progress | None) -> None:
        """Say from now on how far it is; what came from a ledger was not waited for."""
        self.progress = progress

    def keep(self, outcome: FitOutcome) -> list[StudyArm]:
        """Take the scores in; arms whose cell is finished with them."""
        plan = outcome.plan
        self.scores[plan.training][plan.repeat, self.scored.folds[plan.repeat] == plan.fold] = outcome.proba
        self.seconds[plan.training] += outcome.seconds
        self.left[plan.training] -= 1
        cells = [(arm, (plan.repeat, plan.fold)) for arm in self.users[plan.training]]
        self.waiting.subtract(cells)
        finished = [arm for arm, place in cells if not self.waiting[arm, place]]
        self.done += len(finished)
        return finished

    def say(self, outcome: FitOutcome) -> None:
        """Say how far it is; only once an outcome is kept for good, because a kill can come any time."""
        if self.progress:
            self.progress(self.done, self.total, str(outcome.plan.training.model))

    @property
    def first_is_done(self) -> bool:
        return not next(iter(self.left.values()))

    def finished(self) -> Cells:
        done = [training for training, left in self.left.items() if not left]
        return Cells({t: self.scores[t] for t in done}, {t: self.seconds[t] for t in done})
