"""All searches of a study: one for each arm and fold within the rows trained on, and one on all rows."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData, FitOutcome, FitPlan, fit_many
from steelyard.metrics import Metric
from steelyard.study.assess import ScoredRows
from steelyard.study.ledger import Ledger, fingerprint
from steelyard.study.plan import Arm, StudyArm
from steelyard.study.tuning.inner import Inner, inner_data
from steelyard.study.tuning.journal import Journal
from steelyard.study.tuning.listed import listed_search
from steelyard.study.tuning.methods import Trial, Tuning, best_trial
from steelyard.study.tuning.space import dimensions, filled

#: File beside the ledger in which trials are kept.
TRIALS_FILE = "tuning.sqlite"


@dataclass(frozen=True)
class Search:
    """One search: an arm within the training rows of a fold, or on all rows where ``fold`` is None."""

    arm: Arm
    repeat: int
    fold: int | None


@dataclass(frozen=True)
class Found:
    """What a search found.

    Parameters
    ----------
    search : Search
    trials : tuple of Trial
    best : Trial
    fit : FitOutcome, optional
        Scores of the fold, which took no part in the search; None for all rows.
    """

    search: Search
    trials: tuple[Trial, ...]
    best: Trial
    fit: FitOutcome | None

    @property
    def arm(self) -> Arm:
        """The arm with the best values in place of the open ones."""
        return filled(self.search.arm, self.best.values)

    @property
    def seconds(self) -> float:
        """Processor time of the trials and the fit."""
        return sum(trial.seconds for trial in self.trials) + (self.fit.seconds if self.fit else 0.0)


@dataclass(frozen=True)
class Tuned:
    """An arm whose searches are all finished.

    Parameters
    ----------
    tuning : Tuning
    folds : tuple of Found
        For each repeat and fold.
    whole : Found
        On all rows: what the final model is trained with.
    """

    tuning: Tuning
    folds: tuple[Found, ...]
    whole: Found

    @property
    def arm_at(self) -> dict[tuple[int, int], Arm]:
        """Arm that was trained for each repeat and fold."""
        return {(f.search.repeat, f.search.fold): f.arm for f in self.folds if f.search.fold is not None}

    @property
    def seconds(self) -> float:
        """Processor time of all searches and fits."""
        return sum(found.seconds for found in (*self.folds, self.whole))

    def scores(self, scored: ScoredRows, n_classes: int) -> NDArray[np.float32]:
        """Out-of-fold scores, shape (n_repeats, n_scored, n_classes)."""
        out = np.full((*scored.folds.shape, n_classes), np.nan, dtype=np.float32)
        for found in self.folds:
            assert found.fit is not None
            repeat, fold = found.fit.plan.repeat, found.fit.plan.fold
            out[repeat, scored.folds[repeat] == fold] = found.fit.proba
        return out


@dataclass(frozen=True)
class Context:
    """What all searches of a study share."""

    data: EngineData
    metric: Metric
    tuning: Tuning
    path: Path | None
    mark: str


def search_arms(
    arms: Sequence[Arm],
    data: EngineData,
    metric: Metric,
    tuning: Tuning,
    *,
    n_jobs: int = 1,
    ledger: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    until: float | None = None,
    finish_first: bool = False,
) -> dict[Arm, Tuned]:
    """Search every arm's open values, within the training rows of each fold, and on all rows.

    Each search is a sequence of trials of its own, so the result does not depend on ``n_jobs``.

    Parameters
    ----------
    arms : sequence of Arm
        With open values.
    data : EngineData
    metric : Metric
        What is searched for; more is better or less is, as it says.
    tuning : Tuning
    n_jobs : int, default 1
        Processes.
    ledger : Path, optional
        The study's ledger; trials are kept in a file beside it, and taken from there again.
    progress : callable, optional
        Called after each search as (done, total, model).
    until : float, optional
        Time (``time.time()``) by which to be done. Each search gets an equal share of what is left; arms that are
        not through are left out.
    finish_first : bool, default False
        Finish the searches of the first arm whatever they take.
    """
    places = _places(data)
    searches = [Search(arm, *place) for arm in arms for place in [*places, (0, None)]]
    mark = hashlib.sha256(repr((fingerprint(data), str(metric), tuning.method)).encode()).hexdigest()[:12]
    context = Context(data, metric, tuning, ledger.with_name(TRIALS_FILE) if ledger else None, mark)
    if tuning.method == "bayes" and context.path:
        from steelyard.study.tuning.bayes import storage_at

        # Made here, before several processes would.
        storage_at(context.path)
    found: dict[Arm, list[Found]] = {arm: [] for arm in arms}
    need = len(places) + 1
    done = 0
    book = Ledger(ledger, data) if ledger else None
    results = _results(searches, context, n_jobs, until)
    try:
        for result in results:
            if book and result.fit:
                book.record(result.fit, [result.search.arm])
            found[result.search.arm].append(result)
            done += 1
            if progress:
                progress(done, len(searches), str(result.search.arm.model))
            if until and time.time() > until and (not finish_first or len(found[arms[0]]) == need):
                break
    finally:
        with warnings.catch_warnings():
            # Who stops early knows that searches are given up.
            warnings.simplefilter("ignore")
            results.close()
        if book:
            book.close()
    return {arm: _tuned(tuning, parts) for arm, parts in found.items() if len(parts) == need}


def search_size(arms: Sequence[StudyArm], tuning: Tuning, data: EngineData) -> str:
    """Sentence on how much there is to search."""
    opened = sum(bool(dimensions(arm)) for arm in arms)
    folds = len(_places(data))
    return (
        f"{tuning.method} search in {opened} arms: {opened * (folds + 1)} searches (for each arm {folds} inside "
        f"training folds, one on all rows) of at most {tuning.most_trials} trials"
    )


def _places(data: EngineData) -> list[tuple[int, int]]:
    return [(r, int(fold)) for r, folds in enumerate(ScoredRows.of(data).folds) for fold in np.unique(folds)]


def _tuned(tuning: Tuning, parts: Sequence[Found]) -> Tuned:
    folds = sorted(
        (part for part in parts if part.search.fold is not None),
        key=lambda part: (part.search.repeat, part.search.fold or 0),
    )
    return Tuned(tuning, tuple(folds), next(part for part in parts if part.search.fold is None))


def _results(searches: Sequence[Search], context: Context, n_jobs: int, until: float | None) -> Any:
    def dealt() -> Iterator[tuple[Search, float | None]]:
        for place, search in enumerate(searches):
            now = time.time()
            share = None if until is None else now + max(until - now, 0) * min(n_jobs / (len(searches) - place), 1)
            yield search, share

    if n_jobs == 1 or len(searches) == 1:
        return (run_search(search, context, deadline) for search, deadline in dealt())
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, pre_dispatch=n_jobs)
    return parallel(delayed(run_search)(search, context, deadline) for search, deadline in dealt())


def run_search(search: Search, context: Context, deadline: float | None = None) -> Found:
    """Search the open values of an arm within some rows, and with the best train for the fold left out."""
    data, tuning = context.data, context.tuning
    rows = inner_data(data, search.repeat, search.fold)
    inner = Inner(search.arm, rows, context.metric, deadline)
    space = dimensions(search.arm)
    where = "all rows" if search.fold is None else f"repeat {search.repeat}, fold {search.fold}"
    name = f"{search.arm.id} | {where} | {context.mark}"
    if tuning.method == "bayes":
        from steelyard.study.tuning.bayes import bayes_search

        trials = bayes_search(space, inner, tuning, rows.seed, context.path, name)
    else:
        journal = Journal(context.path, name) if context.path else None
        trials = listed_search(space, inner, tuning, rows.seed, journal)
    best = best_trial(trials)
    assert best is not None  # the first trial is always finished
    found = Found(search, tuple(trials), best, None)
    if search.fold is None:
        return found
    (fit,) = fit_many([FitPlan(found.arm.training, search.repeat, search.fold)], data)
    return replace(found, fit=fit)
