"""Arms mixed into one: out-of-fold scores, calibration, weights, and the fits on all rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import Adjustment, ClassFactors
from steelyard.blend.fits import Fit, Runner, runner
from steelyard.blend.mixture import Blend, Member, mix
from steelyard.blend.race import Clock, Race
from steelyard.engine import EngineData, FittedPipeline, Training, one_thread, training_facts
from steelyard.errors import UsageError
from steelyard.strategy import Strategy

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OutOfFold:
    """Scores of rows by models that never saw them; a row stands here once for each repeat.

    Parameters
    ----------
    proba : ndarray of shape (n_scores, n_classes)
    codes : ndarray of int64, shape (n_scores,)
    weight : ndarray of shape (n_scores,)
        Of a row's scores together, the weight of the row.
    """

    proba: Array
    codes: NDArray[np.int64]
    weight: Array


@dataclass(frozen=True)
class ArmRecord:
    """What became of an arm."""

    strategy: str
    model: str
    weight: float
    log_loss: float | None
    seconds: float
    note: str = ""


@dataclass(frozen=True)
class BlendResult:
    """A blend, its out-of-fold scores, and what became of every arm."""

    blend: Blend
    oof: OutOfFold
    records: tuple[ArmRecord, ...] = field(default=())


def fit_blend(
    trainings: Sequence[Training],
    strategy: Strategy | None,
    data: EngineData,
    *,
    n_jobs: int = 1,
    clock: Clock | None = None,
    rehearsal: Callable[[Array, NDArray[np.int64]], object] | None = None,
) -> BlendResult | None:
    """Blend of the given arms, trained on all rows.

    Parameters
    ----------
    trainings : sequence of Training
        The most useful first; one alone is no blend, and its probabilities are left as they are.
    strategy : Strategy, optional
        The user's own, whose adjustment is used in place of the calibration.
    data : EngineData
        With folds; rows that are in none are trained on and never scored.
    n_jobs : int
        Processes.
    clock : Clock, optional
        Time limit.
    rehearsal : callable, optional
        What the caller will do with out-of-fold scores and codes; see :class:`Race`.

    Returns
    -------
    BlendResult or None
        None when the time was too short for a single arm.
    """
    clock = clock or Clock()
    # Here too: the calibrations are small, and more threads than processors make them wait for each other.
    with one_thread(), runner(data, n_jobs, stoppable=clock.limit is not None) as running:
        race = Race(trainings, data, clock, rehearsal)
        finished = race.run(running)
        if not finished:
            return None
        rows = np.flatnonzero(data.folds[0] >= 0)
        repeats = race.repeats
        base = np.ones(len(rows)) if data.row_weight is None else data.row_weight[rows]
        codes, weight = np.tile(data.codes[rows], repeats), np.tile(base / repeats, repeats)
        entrants = [race.entrants[arm] for arm in finished]
        raw = [entrant.proba[:repeats, rows].reshape(-1, data.n_classes) for entrant in entrants]
        members = [Member(e.training, 0.0, _factors(e.training, strategy, data)) for e in entrants]
        calibrate = strategy is None and len(trainings) > 1
        members, scores = mix(members, raw, codes, weight, data.seed, calibrate=calibrate)
        weights = np.array([member.weight for member in members])
        pipelines = _refit(running, race, finished, weights, clock)
    kept = {place: weights[place] for place, arm in enumerate(finished) if arm in pipelines}
    if not kept:
        return None
    total = sum(kept.values())
    chosen = tuple(
        replace(members[place], weight=share / total, pipeline=pipelines[finished[place]])
        for place, share in kept.items()
    )
    mixed = sum(share / total * scores[place] for place, share in kept.items())
    oof = OutOfFold(np.asarray(mixed), codes, weight)
    shares = {finished[place]: share / total for place, share in kept.items()}
    return BlendResult(Blend(chosen, data.n_classes), oof, _records(race, finished, scores, shares, oof))


def _factors(training: Training, strategy: Strategy | None, data: EngineData) -> ClassFactors:
    adjustment = (strategy or Strategy()).adjustment
    assert isinstance(adjustment, Adjustment)
    facts = training_facts(training, data.codes, data.classes)
    return adjustment.bind(priors=facts.priors, weights=facts.weights, classes=data.classes)


def _refit(
    running: Runner, race: Race, finished: Sequence[int], weights: Array, clock: Clock
) -> dict[int, FittedPipeline]:
    """Pipelines trained on all rows, the heaviest members first; as many as there is time for."""
    order = [finished[place] for place in np.argsort(-weights, kind="stable") if weights[place] > 0]
    waiting = [Fit(arm, race.entrants[arm].training) for arm in order]
    pipelines: dict[int, FittedPipeline] = {}
    under_way = 0
    while waiting or under_way:
        while waiting and under_way <= running.width:
            fit = waiting.pop(0)
            # The heaviest is always begun: without it there is nothing.
            if (not pipelines and not under_way) or race.entrants[fit.arm].expected() <= clock.left() - race.closing:
                running.submit(fit)
                under_way += 1
        if not under_way:
            break
        result = running.next(None if clock.limit is None else max(0.0, clock.left() - race.closing))
        if result is None:
            break
        under_way -= 1
        if result.pipeline is not None:
            pipelines[result.fit.arm] = result.pipeline
    return pipelines


def _records(
    race: Race, finished: Sequence[int], scores: Sequence[Array], shares: dict[int, float], oof: OutOfFold
) -> tuple[ArmRecord, ...]:
    losses: dict[int, float] = {}
    if len(oof.codes):
        for arm, proba in zip(finished, scores, strict=True):
            likelihood = np.clip(proba[np.arange(len(oof.codes)), oof.codes], 1e-12, 1.0)
            losses[arm] = float(-np.average(np.log(likelihood), weights=oof.weight))
    return tuple(
        ArmRecord(
            str(entrant.training.strategy),
            str(entrant.training.model),
            shares.get(arm, 0.0),
            losses.get(arm),
            float(np.sum(entrant.seconds)),
            entrant.dropped,
        )
        for arm, entrant in enumerate(race.entrants)
    )


def check_models(trainings: Sequence[Training]) -> None:
    """Refuse an empty list of arms.

    Raises
    ------
    UsageError
        When no model can train the strategy.
    """
    if not trainings:
        raise UsageError("no model can train this strategy: its loss needs one such as linear or mlp")
