"""What commands say on stderr, beside their data on stdout."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from steelyard.progress import StudyProgress

__all__ = ["StudyProgress", "say"]


class CountProgress:
    """Things done of things in all; call it as ``progress(done, total)``. A bar on a terminal, nothing elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._live:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn(self._what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._rich = Progress(*columns, console=Console(stderr=True), transient=True)
            self._rich.start()
            self._task = self._rich.add_task("", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._rich.stop()

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is."""
        if self._live:
            self._rich.update(self._task, completed=done, total=total)


def say(text: str) -> None:
    """One line on stderr."""
    print(f"steelyard: {text}", file=sys.stderr)
