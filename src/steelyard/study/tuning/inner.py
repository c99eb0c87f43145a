"""One trial: an arm with its open values filled in, cross-validated within the training rows of a fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine import EngineData, FitPlan, Training, Unlabelled, fit_many
from steelyard.metrics import Metric
from steelyard.study.assess import ScoredRows, out_of_fold
from steelyard.study.compare import sign_of
from steelyard.study.plan import Arm
from steelyard.study.resampling import metric_values
from steelyard.study.tuning.methods import Trial
from steelyard.study.tuning.space import dimensions, filled

#: Folds of the inner cross-validation at most.
INNER_FOLDS = 4
#: Asked after an inner fold with (step, score so far): whether to give the trial up.
Stop = Callable[[int, float], bool]


class OutOfTimeError(Exception):
    """The time of a search is used up in the middle of a trial."""


def inner_data(data: EngineData, repeat: int, fold: int | None) -> EngineData:
    """Training rows of a fold (all rows where it is None) with the other folds as their folds.

    Rows that have to stay together, such as those of a patient, so stay together here as well; and nothing of the
    fold itself is seen.
    """
    rows = np.arange(len(data.codes)) if fold is None else data.train_rows(repeat, fold)
    outer = data.folds[repeat][rows]
    names = np.unique(outer[outer >= 0])
    place = {int(name): number % INNER_FOLDS for number, name in enumerate(names)}
    inner = np.array([place.get(int(name), -1) for name in outer], dtype=np.int64)
    mark = 0 if fold is None else fold + 1
    return replace(
        data,
        matrix=data.matrix.take(rows),
        codes=data.codes[rows],
        folds=inner[None],
        seed=int(np.random.SeedSequence([data.seed, repeat, mark, 0x7A1]).generate_state(1)[0] >> 1),
        row_weight=None if data.row_weight is None else data.row_weight[rows],
        unlabelled=None if data.unlabelled is None else _inner_unlabelled(data.unlabelled, repeat, fold, place),
    )


def _inner_unlabelled(others: Unlabelled, repeat: int, fold: int | None, place: Mapping[int, int]) -> Unlabelled:
    kept = np.flatnonzero(others.folds[repeat] != fold) if fold is not None else np.arange(len(others.matrix))
    inner = [place.get(int(name), -1) for name in others.folds[repeat][kept]]
    return Unlabelled(others.matrix.take(kept), np.array(inner, dtype=np.int64)[None])


class Inner:
    """The inner cross-validation of an arm.

    Parameters
    ----------
    arm : Arm
        With open values.
    data : EngineData
        As :func:`inner_data` gives it.
    metric : Metric
    deadline : float, optional
        Time (``time.time()``) after which a trial that may be given up ends with :class:`OutOfTimeError`.
    """

    def __init__(self, arm: Arm, data: EngineData, metric: Metric, deadline: float | None = None) -> None:
        self.arm, self.data, self.metric, self.deadline = arm, data, metric, deadline
        self.scored = ScoredRows.of(data)
        self.folds = np.unique(self.scored.folds[0])
        self._fits: dict[tuple[Training, int], NDArray[np.float32]] = {}
        # Trials that differ after training only share their fits.
        self._keeps = any(each.slot in ("adjustment", "decision") for each in dimensions(arm))

    @property
    def is_late(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.time() > self.deadline

    def trial(self, values: Mapping[str, Any], stop: Stop, first: bool = False) -> Trial:
        """Score of some values over the inner folds.

        A tuned decision needs the scores of another fold, so with one the first fold has no score yet. The first
        trial is finished whatever it takes.
        """
        started = time.process_time()
        arm = filled(self.arm, values)
        shape = (*self.scored.folds.shape, self.data.n_classes)
        scores = np.full(shape, np.nan, dtype=np.float32)
        steps: list[float] = []
        waits = "decision" in arm.strategy.active()
        for place, fold in enumerate(self.folds):
            scores[0, self.scored.folds[0] == fold] = self._fit(arm.training, int(fold))
            last = place + 1 == len(self.folds)
            if not first and not last and self.is_late:
                raise OutOfTimeError
            if waits and not place:
                continue
            steps.append(self._score(arm, scores, self.folds[: place + 1]))
            if not last and stop(len(steps) - 1, steps[-1]):
                return Trial(dict(values), tuple(steps), True, time.process_time() - started)
        return Trial(dict(values), tuple(steps), False, time.process_time() - started)

    def _fit(self, training: Training, fold: int) -> NDArray[np.float32]:
        key = (training, fold)
        if key in self._fits:
            return self._fits[key]
        (outcome,) = fit_many([FitPlan(training, 0, fold)], self.data)
        if self._keeps:
            self._fits[key] = outcome.proba
        return outcome.proba

    def _score(self, arm: Arm, scores: NDArray[np.float32], folds: NDArray[np.int64]) -> float:
        """Metric of the rows of some folds, more being better; -inf where it is undefined."""
        seen = np.isin(self.scored.folds[0], folds)
        rows = ScoredRows(self.scored.rows[seen], self.scored.codes[seen], self.scored.folds[:, seen])
        predictions = out_of_fold(arm, scores[:, seen], self.data, rows, self.metric)
        value = metric_values(self.metric, rows.codes, predictions, np.ones((1, len(rows.codes)), dtype=np.float32))
        score = sign_of(self.metric) * float(value[0])
        return score if np.isfinite(score) else -np.inf
