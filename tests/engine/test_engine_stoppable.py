"""Work that is given up: nothing is waited for that nobody wants any more."""

from __future__ import annotations

import time

import numpy as np
import pytest

from steelyard.engine.stoppable import run_stoppable

#: Longer than any test may take: whoever waits for it, fails.
FOREVER = 600.0


def sleep_or_say(task: float, shared: np.ndarray) -> list[float]:
    time.sleep(task)
    return [task + float(shared.sum())]


def nowhere(task: float) -> None:
    return None


def test_all_is_done_where_nobody_stops_it() -> None:
    found = run_stoppable(sleep_or_say, [0.0, 0.1, 0.2], np.ones(300_000), nowhere, 2, lambda: False)
    assert sorted(found) == pytest.approx([300_000.0, 300_000.1, 300_000.2])


def test_a_task_under_way_is_given_up() -> None:
    found: list[float] = []
    began = time.monotonic()
    for each in run_stoppable(sleep_or_say, [0.0, FOREVER, FOREVER], np.zeros(1), nowhere, 2, lambda: bool(found)):
        found.append(each)  # noqa: PERF402  # what is found decides when to stop
    assert found == [0.0]
    assert time.monotonic() - began < FOREVER / 2
    # New processes take the place of those that were ended.
    assert list(run_stoppable(sleep_or_say, [0.0], np.zeros(1), nowhere, 2, lambda: False)) == [0.0]


def test_what_stays_here_gets_what_is_here() -> None:
    def here(task: float) -> np.ndarray | None:
        return np.full(1, 5.0) if task == 0.0 else None

    assert sorted(run_stoppable(sleep_or_say, [0.0, 0.1], np.zeros(1), here, 1, lambda: False)) == [0.1, 5.0]


def test_an_error_is_raised_and_the_rest_given_up() -> None:
    with pytest.raises(ValueError, match="negative"):
        list(run_stoppable(sleep_or_say, [-1.0, FOREVER], np.zeros(1), nowhere, 2, lambda: False))
