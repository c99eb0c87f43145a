"""Tasks that can be given up while they are under way, because they run in processes that can be ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Seconds between two questions whether to stop.
_EVERY = 0.1


def run_stoppable(
    work: Callable[..., list[R]],
    tasks: Iterable[T],
    shared: Any,
    here: Callable[[T], Any | None],
    n_jobs: int,
    stop: Callable[[], bool],
) -> Iterator[R]:
    """Results of tasks, which are begun one by one in their order, until there is a reason to stop.

    Parameters
    ----------
    work : callable
        ``(task, shared) -> results``; a function of a module, so that processes find it.
    tasks : iterable
    shared : object
        Handed to the tasks in other processes; its large arrays are mapped into memory, not copied.
    here : callable
        What is handed to a task that is done in this process, where it cannot be given up; None for all others.
    n_jobs : int
        Processes.
    stop : callable
        Asked after each result and ten times a second; once it says True, what is under way is given up.

    Yields
    ------
    object
        Results, as they are finished.
    """
    waiting: set[Future[list[R]]] = set()
    executor: Any = None
    queue = iter(tasks)
    try:
        while not stop():
            task = next(queue, None) if len(waiting) < n_jobs else None
            if task is None:
                if not waiting:
                    return
                done, waiting = wait(waiting, timeout=_EVERY, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
            elif (own := here(task)) is not None:
                yield from work(task, own)
            else:
                executor = executor or _executor(n_jobs)
                waiting.add(executor.submit(work, task, shared))
    finally:
        # What has begun cannot be called back; a fit cannot be interrupted either.
        if any([not future.cancel() for future in waiting]):  # noqa: C419  # all are to be cancelled
            executor.terminate(kill_workers=True)


def _executor(n_jobs: int) -> Any:
    from joblib.executor import get_memmapping_executor

    return get_memmapping_executor(n_jobs)
