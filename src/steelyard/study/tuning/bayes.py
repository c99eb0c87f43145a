"""Bayesian search: optuna's tree-structured Parzen estimator, its trials in an SQLite file with a heartbeat."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.searched import Choices
from steelyard.study.tuning.inner import Inner, OutOfTimeError
from steelyard.study.tuning.methods import WARM_UP, Trial, Tuning
from steelyard.study.tuning.space import Dimension, Values, start_values

#: Seconds between two signs of life of a running trial; one without for twice as long counts as dead.
HEARTBEAT = 30


def bayes_search(
    space: Sequence[Dimension], inner: Inner, tuning: Tuning, seed: int, path: Path | None, name: str
) -> list[Trial]:
    """Trials of a Bayesian search, those in the file not done again.

    The sampler is seeded anew for each trial, by how many are finished: a search that was killed and goes on tries
    the same values as one that was not.
    """
    import optuna

    with _quiet():
        study = optuna.create_study(
            study_name=name,
            storage=storage_at(path) if path else None,
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=WARM_UP, n_warmup_steps=0),
        )
        while not tuning.is_over(trials := _finished(study)[: tuning.most_trials]):
            if trials and inner.is_late:
                break
            waiting = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.WAITING,))
            if not trials and not waiting:
                study.enqueue_trial(_suggested(start_values(space), space))
            own_seed = int(np.random.SeedSequence([seed, len(trials)]).generate_state(1)[0])
            startup = max(WARM_UP, tuning.most_trials // 4)
            study.sampler = optuna.samplers.TPESampler(seed=own_seed, n_startup_trials=startup)
            objective = _Objective(space, inner, first=not trials)
            study.optimize(objective, n_trials=1, catch=(OutOfTimeError,))
            if objective.ran_out:
                break
        return trials


class _Objective:
    """One trial, told to optuna step by step."""

    def __init__(self, space: Sequence[Dimension], inner: Inner, first: bool) -> None:
        self.space, self.inner, self.first = space, inner, first
        self.ran_out = False

    def __call__(self, asked: Any) -> float:
        import optuna

        values = {each.name: _suggest(asked, each) for each in self.space}
        asked.set_user_attr("values", values)

        def stop(step: int, value: float) -> bool:
            asked.report(value, step)
            return bool(asked.should_prune())

        try:
            trial = self.inner.trial(values, stop, first=self.first)
        except OutOfTimeError:
            self.ran_out = True
            raise
        asked.set_user_attr("seconds", trial.seconds)
        if trial.pruned:
            raise optuna.TrialPruned
        return trial.steps[-1]


def _suggest(asked: Any, each: Dimension) -> Any:
    domain, name = each.domain, each.name
    if isinstance(domain, Choices):
        return asked.suggest_categorical(name, domain.values)
    if domain.whole:
        return asked.suggest_int(name, int(domain.low), int(domain.high), log=domain.scale == "log")
    if domain.scale == "near_one":
        return domain.tidy(1 - asked.suggest_float(f"1 - {name}", 1 - domain.high, 1 - domain.low, log=True))
    return domain.tidy(asked.suggest_float(name, domain.low, domain.high, log=domain.scale == "log"))


def _suggested(values: Values, space: Sequence[Dimension]) -> Values:
    """Values as the sampler would have suggested them."""
    near_one = {each.name for each in space if getattr(each.domain, "scale", "") == "near_one"}
    return {f"1 - {name}" if name in near_one else name: 1 - v if name in near_one else v for name, v in values.items()}


def _finished(study: Any) -> list[Trial]:
    from optuna.trial import TrialState

    found = []
    for each in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)):
        steps = [value for _, value in sorted(each.intermediate_values.items())]
        pruned = each.state == TrialState.PRUNED
        steps += [] if pruned else [each.value]
        found.append(Trial(each.user_attrs["values"], tuple(steps), pruned, each.user_attrs["seconds"]))
    return found


@cache
def storage_at(path: Path) -> Any:
    """Storage in an SQLite file, made when it is not there: ``optuna.load_study`` reads it too."""
    import optuna

    with _quiet():
        return optuna.storages.RDBStorage(
            f"sqlite:///{path}",
            # Several processes write to the file.
            engine_kwargs={"connect_args": {"timeout": 60}},
            heartbeat_interval=HEARTBEAT,
            grace_period=2 * HEARTBEAT,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            # The heartbeat is called experimental.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)
