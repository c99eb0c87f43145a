"""How values are searched, and when a search is given up."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from steelyard.errors import MissingExtraError, UnknownNameError, UsageError

METHODS = ("grid", "random", "bayes")
#: Trials before a trial can be given up half-way.
WARM_UP = 5


@dataclass(frozen=True)
class Tuning:
    """How open values are searched.

    Parameters
    ----------
    method : {"grid", "random", "bayes"}
        "bayes" is optuna's tree-structured Parzen estimator, and needs the extra ``search``.
    trials : int, optional
        Trials of each search, 25 by default; for a grid the most points it may have, 100 by default.
    patience : int, default 10
        A search ends when so many trials in a row brought nothing better; a grid is always tried whole.

    Raises
    ------
    UsageError
        When the method is unknown, or a number below 1.
    MissingExtraError
        When "bayes" is asked for without optuna.
    """

    method: str = "random"
    trials: int | None = None
    patience: int = 10

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownNameError("way of tuning", str(self.method), METHODS)
        given: dict[str, Any] = {"trials": self.trials, "patience": self.patience}  # of any type, as users pass them
        for name, value in given.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise UsageError(f"--{name} must be a whole number of at least 1, not {value!r}")
        if self.method == "bayes" and find_spec("optuna") is None:
            raise MissingExtraError("search", "--tune bayes")

    @property
    def most_trials(self) -> int:
        """Trials of a search at most."""
        return self.trials or (100 if self.method == "grid" else 25)

    def is_over(self, trials: list[Trial]) -> bool:
        """Whether a search with these trials has come to its end."""
        if len(trials) >= self.most_trials:
            return True
        best = best_trial(trials)
        return self.method != "grid" and best is not None and len(trials) - 1 - trials.index(best) >= self.patience


@dataclass(frozen=True)
class Trial:
    """Values that were tried.

    Parameters
    ----------
    values : dict
        Value of each dimension by name.
    steps : tuple of float
        Score over the inner folds so far, after each of them; more is better, whatever the metric.
    pruned : bool
        Whether it was given up before the last fold.
    seconds : float
        Processor time.
    """

    values: dict[str, Any]
    steps: tuple[float, ...]
    pruned: bool
    seconds: float = 0.0

    @property
    def value(self) -> float | None:
        """Score over all inner folds; None where it was given up."""
        return None if self.pruned else self.steps[-1]


def best_trial(trials: list[Trial]) -> Trial | None:
    """Best of the trials that were finished, the first among equals."""
    done = [trial for trial in trials if trial.value is not None]
    return max(done, key=lambda trial: trial.steps[-1], default=None)


def below_median(trials: list[Trial], step: int, value: float) -> bool:
    """Whether a trial is to be given up: finished ones were better at the same step more often than not."""
    earlier = [trial.steps[step] for trial in trials if not trial.pruned and step < len(trial.steps)]
    return len(earlier) >= WARM_UP and value < float(np.median(earlier))
