"""Out-of-fold scores of many arms: those that cannot help any more are dropped, and time is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
#: Among fewer arms than that none is dropped, and none that has this share of a mixture: of many arms, and of few,
#: where one is a larger part of the time.
_FEWEST, _MANY, _LEAST, _LEAST_OF_FEW = 3, 6, 0.01, 0.1
#: Share of the time that is left for putting the result together.
_SPARE = 0.04
#: Share of the time by which the first arm has to have scored every row. If it has not, it could not be trained on all
#: of them in time either, and what is left is for a model that does nothing.
_HOPE = 0.8
#: Rows on which the end is rehearsed, to know how long it takes.
_REHEARSED = 500


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

    def typical(self) -> float:
        """Seconds of a fold: the lower median, because the first fits of a process wait for libraries."""
        return sorted(self.seconds)[(len(self.seconds) - 1) // 2] if self.seconds else 0.0

    def expected(self) -> float:
        """Seconds that a fit on all rows is likely to take."""
        return 1.4 * self.typical()


class Race:
    """Cross-validation of arms, one fold of all arms after the other.

    Parameters
    ----------
    trainings : sequence of Training
        The most useful first.
    data : EngineData
        With its folds.
    clock : Clock
    rehearsal : callable, optional
        What will be done with out-of-fold scores (n_rows, n_classes) of rows at the end; under a time limit it is done
        once before, to know how long it takes.

    Attributes
    ----------
    repeats : int
        How often all rows have been scored by every arm that is still in the race.
    closing : float
        Seconds that putting the result together is likely to take.
    """

    def __init__(
        self,
        trainings: Sequence[Training],
        data: EngineData,
        clock: Clock,
        rehearsal: Callable[[Array, NDArray[np.int64]], object] | None = None,
    ) -> None:
        self.data, self.clock, self.rehearsal = data, clock, rehearsal
        shape = (*data.folds.shape, data.n_classes)
        self.entrants = [Entrant(training, np.zeros(shape, dtype=np.float32)) for training in trainings]
        self.cells = [
            (repeat, int(fold)) for repeat, folds in enumerate(data.folds) for fold in np.unique(folds[folds >= 0])
        ]
        self.repeats, self.closing, self._calibrating = 0, 0.0, 0.0

    def run(self, running: Runner) -> list[int]:
        """Score folds by arms; positions of the arms that were scored on all rows.

        Without a time limit all arms score one fold after the other; the hopeless leave after the first, and those
        that are likely behind before the folds are dealt anew. With one, each arm scores all folds before the next
        begins, so that there is a result whenever time ends; the folds are dealt anew where time is left after that.
        """
        arms = range(len(self.entrants))
        for repeat in range(len(self.data.folds)):
            cells = [cell for cell in self.cells if cell[0] == repeat]
            if repeat:
                self._drop_unwanted()
                if not self._time_for(len(cells), running.width):
                    break
            if self.clock.limit is not None:
                self._take_up(running, [(arm, cell) for arm in arms for cell in cells])
            for cell in cells if self.clock.limit is None else ():
                self._take_up(running, [(arm, cell) for arm in arms])
                if cell == self.cells[0] and len(self.cells) > 1:
                    self._drop_hopeless(*cell)
            if repeat and not all(entrant.scored.issuperset(cells) for entrant in self._racing()):
                # Time ran out on the way: what some arms scored twice is left aside.
                break
            self.repeats = repeat + 1
        return [arm for arm in arms if self._complete(self.entrants[arm])]

    def _complete(self, entrant: Entrant) -> bool:
        """Whether an arm is in the race and has scored every row."""
        return not entrant.dropped and entrant.scored.issuperset(cell for cell in self.cells if not cell[0])

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
            result = running.next(max(0.0, self._left(running.width)) if limited else None)
            if result is None:
                running.abandon()
                self._give_up()
                return
            under_way -= 1
            self._take(result)

    def _left(self, width: int) -> float:
        """Seconds that are left for scoring folds: last fits and putting together come after that."""
        done = [entrant for entrant in self.entrants if self._complete(entrant)]
        if not done and self.clock.limit is not None:
            return self.clock.left() - (1 - _SPARE - _HOPE) * self.clock.limit
        last = sum(entrant.expected() for entrant in done) / min(width, max(len(done), 1))
        return self.clock.left() - last - self.closing - self._calibrating * len(done)

    def _in_time(self, arm: int, width: int) -> bool:
        """Whether an arm is in the race, and its remaining folds and all the last fits still fit into the time."""
        entrant = self.entrants[arm]
        if entrant.dropped or self.clock.limit is None or self.repeats:
            return not entrant.dropped
        folds = sum(cell not in entrant.scored for cell in self.cells if not cell[0])
        if folds * entrant.typical() / width + entrant.expected() < self._left(width):
            return True
        entrant.dropped = "no time left"
        return False

    def _time_for(self, folds: int, width: int) -> bool:
        """Whether all arms can score that many folds again, with time to spare."""
        work = folds * sum(entrant.typical() for entrant in self._racing()) / width
        return self.clock.limit is None or 1.5 * work < self._left(width)

    def _give_up(self) -> None:
        for entrant in self.entrants:
            if not self._complete(entrant) and not entrant.dropped:
                entrant.dropped = "no time left"

    def _rehearse(self, entrant: Entrant) -> None:
        """See how long the end will take, while the processes work on."""
        rows = np.flatnonzero(self.data.folds[0] >= 0)
        some = np.random.default_rng(0).permutation(rows)[:_REHEARSED]
        codes, proba = self.data.codes[some], entrant.proba[0, some].astype(np.float64)
        share = len(rows) * len(self.data.folds) / len(some)
        started = time.perf_counter()
        proba = Calibration.fit(proba, codes, np.ones(len(codes))).transform(proba)
        self._calibrating = share * (time.perf_counter() - started)
        if self.rehearsal is not None:
            self.rehearsal(proba, codes)
        self.closing = share * (time.perf_counter() - started)

    def _take(self, result: FitResult) -> None:
        entrant, fit = self.entrants[result.fit.arm], result.fit
        assert result.proba is not None
        entrant.proba[fit.repeat, self.data.score_rows(fit.repeat, fit.fold)] = result.proba
        entrant.scored.add((fit.repeat, fit.fold))
        entrant.seconds.append(result.seconds)
        if self.clock.limit is not None and not self.closing and self._complete(entrant):
            self._rehearse(entrant)

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
        least = _LEAST if len(self.entrants) >= _MANY else _LEAST_OF_FEW
        for entrant, mine, share in zip(self._racing(), logs, wanted, strict=True):
            behind = best - mine
            error = behind.std() / np.sqrt(len(behind))
            if share < least and behind.mean() > errors * error > 0:
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
