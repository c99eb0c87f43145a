"""Out-of-fold scores of many arms: those that cannot help any more are dropped, and time is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from steelyard.blend.calibration import Calibration
from steelyard.blend.fits import Fit, FitResult, Runner
from steelyard.blend.selection import greedy_weights
from steelyard.engine import EngineData, Training

Array = NDArray[np.float64]

#: An arm is dropped after its first fold only where that many rows were scored, and by that many standard errors.
_ENOUGH_ROWS, _SURE = 150, 3.0
#: Once all rows were scored, the same folds dealt anew say little that is new: fewer standard errors are enough.
_LIKELY = 2.0
#: Among fewer arms than that none is dropped, and none that has this share of a mixture.
_FEWEST, _LEAST = 3, 0.01
#: Share of the time that is left for putting the result together.
_SPARE = 0.04


@dataclass
class Clock:
    """Time used and left, in seconds; without a limit there is always enough."""

    limit: float | None = None
    started: float = field(default_factory=time.perf_counter)

    def left(self) -> float:
        """Seconds until the limit, less a small spare."""
        if self.limit is None:
            return float("inf")
        return self.limit * (1 - _SPARE) - (time.perf_counter() - self.started)


@dataclass
class Entrant:
    """An arm in the race, and its scores so far."""

    training: Training
    proba: NDArray[np.float32]
    scored: set[tuple[int, int]] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    dropped: str = ""

    def expected(self) -> float:
        """Seconds that a fit on all rows is likely to take."""
        return 1.4 * max(self.seconds, default=0.0)


class Race:
    """Cross-validation of arms, one fold of all arms after the other.

    Parameters
    ----------
    trainings : sequence of Training
        The most useful first.
    data : EngineData
        With its folds.
    clock : Clock
    """

    def __init__(self, trainings: Sequence[Training], data: EngineData, clock: Clock) -> None:
        self.data, self.clock = data, clock
        shape = (*data.folds.shape, data.n_classes)
        self.entrants = [Entrant(training, np.zeros(shape, dtype=np.float32)) for training in trainings]
        self.cells = [
            (repeat, int(fold)) for repeat, folds in enumerate(data.folds) for fold in np.unique(folds[folds >= 0])
        ]

    def run(self, running: Runner) -> list[int]:
        """Score folds by arms; positions of the arms that were scored on all rows.

        Without a time limit all arms score one fold after the other; the hopeless leave after the first, and those
        that are likely behind before the folds are dealt anew. With one, each arm scores all folds before the next
        begins, so that there is a result whenever time ends.
        """
        if self.clock.limit is None:
            for number, cell in enumerate(self.cells):
                if number and cell[0] > self.cells[number - 1][0]:
                    self._drop_unwanted()
                self._take_up(running, [(arm, cell) for arm in range(len(self.entrants))])
                if number == 0 and len(self.cells) > 1:
                    self._drop_hopeless(*cell)
        else:
            self._take_up(running, [(arm, cell) for arm in range(len(self.entrants)) for cell in self.cells])
        complete = [arm for arm, entrant in enumerate(self.entrants) if len(entrant.scored) == len(self.cells)]
        return [arm for arm in complete if not self.entrants[arm].dropped]

    def _take_up(self, running: Runner, wanted: Sequence[tuple[int, tuple[int, int]]]) -> None:
        waiting, under_way = list(wanted), 0
        while waiting or under_way:
            while waiting and under_way <= running.width:
                arm, (repeat, fold) = waiting.pop(0)
                if self._in_time(arm, running.width):
                    running.submit(Fit(arm, self.entrants[arm].training, repeat, fold))
                    under_way += 1
            if not under_way:
                return
            limited = self.clock.limit is not None
            result = running.next(max(0.0, self.clock.left() - self._finishing()) if limited else None)
            if result is None:
                running.abandon()
                self._give_up()
                return
            under_way -= 1
            self._take(result)

    def _in_time(self, arm: int, width: int) -> bool:
        """Whether an arm is in the race, and its remaining folds and all the last fits still fit into the time."""
        entrant = self.entrants[arm]
        if entrant.dropped or self.clock.limit is None:
            return not entrant.dropped
        folds = len(self.cells) - len(entrant.scored)
        work = folds * max(entrant.seconds, default=0.0) / width + entrant.expected()
        if work + self._finishing() < self.clock.left():
            return True
        entrant.dropped = "no time left"
        return False

    def _finishing(self) -> float:
        """Seconds that the last fits of the arms that are scored on all rows will take, one after the other."""
        return sum(e.expected() for e in self.entrants if len(e.scored) == len(self.cells))

    def _give_up(self) -> None:
        for entrant in self.entrants:
            if len(entrant.scored) < len(self.cells) and not entrant.dropped:
                entrant.dropped = "no time left"

    def _take(self, result: FitResult) -> None:
        entrant, fit = self.entrants[result.fit.arm], result.fit
        assert result.proba is not None
        entrant.proba[fit.repeat, self.data.score_rows(fit.repeat, fit.fold)] = result.proba
        entrant.scored.add((fit.repeat, fit.fold))
        entrant.seconds.append(result.seconds)

    def _drop_hopeless(self, repeat: int, fold: int) -> None:
        """Drop the arms that are surely worse than the best and that no mixture wants."""
        rows = self.data.score_rows(repeat, fold)
        if len(rows) < _ENOUGH_ROWS or len(self._racing()) < _FEWEST:
            return
        self._drop(repeat, rows, _SURE, "behind after the first fold")

    def _drop_unwanted(self) -> None:
        """Drop the arms that are likely worse than the best and that no mixture wants, once every row was scored."""
        if len(self._racing()) >= _FEWEST:
            rows = np.flatnonzero(self.data.folds[0] >= 0)
            self._drop(0, rows, _LIKELY, "behind after all rows were scored once")

    def _drop(self, repeat: int, rows: NDArray[np.int64], errors: float, note: str) -> None:
        """Drop arms without a share in a mixture that are behind the best by so many standard errors."""
        likelihood, wanted = self._compared(repeat, rows)
        logs = np.log(np.clip(likelihood, 1e-6, 1.0))
        best = logs[logs.mean(axis=1).argmax()]
        for entrant, mine, share in zip(self._racing(), logs, wanted, strict=True):
            behind = best - mine
            error = behind.std() / np.sqrt(len(behind))
            if share < _LEAST and behind.mean() > errors * error > 0:
                entrant.dropped = note

    def _racing(self) -> list[Entrant]:
        return [entrant for entrant in self.entrants if not entrant.dropped and entrant.scored]

    def _compared(self, repeat: int, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Likelihood of the rows' classes by each arm in the race, calibrated, and the weights of a mixture."""
        codes, weight = self.data.codes[rows], np.ones(len(rows))
        likelihood = []
        for entrant in self._racing():
            proba = entrant.proba[repeat, rows].astype(np.float64)
            calibrated = Calibration.fit(proba, codes, weight).transform(proba)
            likelihood.append(calibrated[np.arange(len(rows)), codes])
        return np.stack(likelihood), greedy_weights(np.stack(likelihood), weight, self.data.seed)
