"""Many fits, over processes."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import replace
from threading import Thread
from typing import Any

import numpy as np

from steelyard.engine.data import EngineData
from steelyard.engine.fit import encode, encoded_more, fit_encoded
from steelyard.engine.length import is_short
from steelyard.engine.plan import FitOutcome, FitPlan
from steelyard.engine.stacked import fit_stacked, stacked_models, stacks_of
from steelyard.engine.stoppable import run_stoppable
from steelyard.engine.threads import one_thread


def fit_many(
    plans: Iterable[FitPlan], data: EngineData, *, n_jobs: int = 1, stop: Callable[[], bool] | None = None
) -> Generator[FitOutcome, None, None]:
    """Scores of many plans, yielded as they are finished.

    Plans of one fold and one model are trained together, so that its rows are encoded once; on a GPU those of all
    folds. The scores do not depend on ``n_jobs``: each fit has a seed of its own, made from the run's seed, the repeat
    and the fold, and runs on one thread. All strategies share a fold's seed, so that their differences are not those
    of seeds.

    Parameters
    ----------
    plans : iterable of FitPlan
    data : EngineData
    n_jobs : int, default 1
        Processes to train in; threads for models that release the interpreter's lock.
    stop : callable, optional
        Asked again and again whether to give up what is not finished. Plans are then taken up one by one in the order
        given, in processes that can be ended; fits that stay in this process are waited for.

    Yields
    ------
    FitOutcome
        In no particular order when ``n_jobs`` is above 1.
    """
    plans = list(plans)
    if stacks := stacked_models(plans, data):
        for own, stacked in stacks_of(plans, stacks, stop is not None):
            if stop and stop():
                return
            yield from fit_stacked(own, data) if stacked else fit_many(own, data, n_jobs=n_jobs, stop=stop)
        return
    if stop:
        yield from _until_stopped(plans, data, n_jobs, stop)
        return
    alone = [plan for plan in plans if plan.training.model.alone]
    if alone and n_jobs > 1:
        others = [plan for plan in plans if not plan.training.model.alone]
        yield from fit_many(others, data, n_jobs=n_jobs)
        yield from fit_many(alone, data)
        return
    tasks = list(_grouped(plans).values())
    if n_jobs == 1:
        for task in tasks:
            yield from _fit_together(task, data)
        return
    threaded = [task for task in tasks if task[0].training.model.threads]
    rest = [task for task in tasks if not task[0].training.model.threads]
    if threaded and rest:
        _warm_up(threaded, data)
    n_fits = Counter(plan.training.model for task in rest for plan in task)
    brief = {model for model, count in n_fits.items() if is_short(model, count, data)}
    short = [task for task in rest if task[0].training.model in brief]
    yield from _in_processes([task for task in rest if task[0].training.model not in brief], data, n_jobs)
    if short or threaded:
        # What is short comes first: by then the compiled code of the others may be there.
        yield from _in_threads([*short, *threaded], data, n_jobs)


def _until_stopped(
    plans: Sequence[FitPlan], data: EngineData, n_jobs: int, stop: Callable[[], bool]
) -> Iterator[FitOutcome]:
    elsewhere = _for_workers(data)

    def rows(task: Sequence[FitPlan]) -> EngineData | None:
        return data if _stays(task, data) else None

    yield from run_stoppable(_fit_in_worker, [[plan] for plan in plans], elsewhere, rows, n_jobs, stop)


def _stays(task: Sequence[FitPlan], data: EngineData) -> bool:
    """Whether a fit is for this process: it uses all there is by itself, reads raw rows, or is short."""
    model = task[0].training.model
    return model.alone or model.encoding == "raw" or is_short(model, len(task), data)


def _warm_up(tasks: Sequence[Sequence[FitPlan]], data: EngineData) -> None:
    """Let the models compile what they will need while other processes train."""
    columns = sum(column.kind != "dropped" for column in data.schema.columns)
    rows = min((len(data.train_rows(task[0].repeat, task[0].fold)) for task in tasks), default=0)

    def warm_up() -> None:
        for model in dict.fromkeys(task[0].training.model for task in tasks):
            model.warm_up(rows, columns, data.n_classes, data.multilabel)

    # Nobody waits for it: a fit that needs the code earlier waits for the same compilation.
    Thread(target=warm_up, daemon=True).start()


def _in_threads(tasks: Sequence[Sequence[FitPlan]], data: EngineData, n_jobs: int) -> Iterator[FitOutcome]:
    """Fits that release the interpreter's lock: no process has to be started, and no row is copied."""
    # Each task is cut up, so that the last one to be finished is not waited for long.
    parts = [task[start::n_jobs] for task in tasks for start in range(min(n_jobs, len(task)))]
    # The limit belongs to the process: it is set before the first thread and lifted after the last.
    with one_thread(), ThreadPoolExecutor(n_jobs) as pool:
        waiting = {pool.submit(_fit_in_thread, part, data) for part in parts}
        try:
            for done in as_completed(waiting):
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _in_processes(tasks: Sequence[Sequence[FitPlan]], data: EngineData, n_jobs: int) -> Iterator[FitOutcome]:
    if len(tasks) <= 1:
        for task in tasks:
            yield from _fit_together(task, data)
        return
    from joblib import Parallel, delayed

    # A task is one fold of one model: as a rule much longer than handing it out takes.
    data = _for_workers(data)
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
    finished = parallel(delayed(_fit_in_worker)(task, data) for task in tasks)
    try:
        for outcomes in finished:
            yield from outcomes
    finally:
        with warnings.catch_warnings():
            # A caller that stops early knows that tasks are given up.
            warnings.simplefilter("ignore")
            finished.close()


def _grouped(plans: Iterable[FitPlan]) -> dict[tuple[Any, ...], list[FitPlan]]:
    groups: dict[tuple[Any, ...], list[FitPlan]] = {}
    for plan in plans:
        groups.setdefault((plan.training.model, plan.training.encoder, plan.repeat, plan.fold), []).append(plan)
    return groups


def _for_workers(data: EngineData) -> EngineData:
    """The rows without what only models that stay in this process read."""
    data = replace(data, matrix=replace(data.matrix, raw=None))
    if data.unlabelled is None:
        return data
    return replace(data, unlabelled=replace(data.unlabelled, matrix=replace(data.unlabelled.matrix, raw=None)))


def _fit_in_worker(plans: Sequence[FitPlan], data: EngineData) -> list[FitOutcome]:
    return list(_fit_together(plans, data))


def _fit_in_thread(plans: Sequence[FitPlan], data: EngineData) -> list[FitOutcome]:
    return list(_fit_together(plans, data, in_thread=True))


def _fit_together(plans: Sequence[FitPlan], data: EngineData, in_thread: bool = False) -> Iterator[FitOutcome]:
    clock = time.thread_time if in_thread else time.process_time

    first = plans[0]
    train, score = data.train_rows(first.repeat, first.fold), data.score_rows(first.repeat, first.fold)
    seed = data.fold_seed(first.repeat, first.fold)
    limit = nullcontext if first.training.model.alone else one_thread
    with limit():
        started = clock()
        encoder, X = encode(first.training, data.matrix.take(train), data.schema)
        X_score = encoder.transform(data.matrix.take(score))
        others = None if data.unlabelled is None else data.unlabelled.outside(first.repeat, first.fold)
        more = encoded_more([plan.training for plan in plans], encoder, others)
        shared = (clock() - started) / len(plans)
    for batch in [plans] if first.training.model.together else [[plan] for plan in plans]:
        started = clock()
        # Filters belong to the process too, and a thread would put back what another has set.
        with limit(), nullcontext() if in_thread else warnings.catch_warnings():
            if not in_thread:
                warnings.simplefilter("ignore")
            trainings = [plan.training for plan in batch]
            weight = None if data.row_weight is None else data.row_weight[train]
            models = fit_encoded(trainings, encoder, X, data.codes[train], data.classes, seed, weight, more)
            probas = [model.predict_proba(X_score).astype(np.float32) for model in models]
        seconds = shared + (clock() - started) / len(batch)
        for plan, proba in zip(batch, probas, strict=True):
            yield FitOutcome(plan, proba, seconds)
