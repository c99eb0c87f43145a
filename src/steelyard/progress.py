"""Progress on stderr: a bar on a terminal, a line now and then elsewhere (a log, a notebook)."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self


class StudyProgress:
    """Cells done, cells in all, and the time left; call it as ``progress(done, total, what)``.

    Without a terminal a line is printed at each quarter, so that logs stay short.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._started = time.monotonic()
        self._quarter = 0

    def __enter__(self) -> Self:
        if self._live:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._rich = Progress(
                TextColumn("studying"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._rich.start()
            self._task = self._rich.add_task("", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._rich.stop()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Say how far the study is."""
        if self._live:
            self._rich.update(self._task, completed=done, total=total, description=what)
            return
        quarter = 4 * done // total
        if quarter > self._quarter:
            self._quarter = quarter
            spent = time.monotonic() - self._started
            left = spent * (total - done) / done
            print(f"steelyard: {done} of {total} cells, {spent:.0f} s, about {left:.0f} s left", file=sys.stderr)
