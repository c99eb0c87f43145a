"""Values left open, searched inside the training rows of each fold before the arms are mixed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.adjustments import Adjustment, ClassFactors
from steelyard.blend import ArmRecord, Blend, BlendResult, Clock, Member, OutOfFold, mix
from steelyard.blend.fits import Fit, runner
from steelyard.component import format_value
from steelyard.engine import EngineData, FitPlan, Training, fit_many, one_thread, training_facts
from steelyard.errors import UsageError
from steelyard.estimator.target import resolve_metric
from steelyard.metrics import Metric, get_metric
from steelyard.strategy import Strategy
from steelyard.study.assess import ScoredRows
from steelyard.study.compare import sign_of
from steelyard.study.plan import Arm
from steelyard.study.tuning import METHODS, Tuned, Tuning, arms_to_search, dimensions, search_arms
from steelyard.study.tuning.record import tuning_record
from steelyard.study.tuning.space import opened

Array = NDArray[np.float64]

#: Share of the time that searches may take: the last fits and the decision come after them.
_SEARCHING = 0.75


@dataclass
class SearchedArm:
    """An arm with what its search found.

    Parameters
    ----------
    arm : Arm
        With the values found on all rows in place of the open ones.
    scores : ndarray of float32, shape (n_scored, n_classes)
        Of each fold by what was found without it.
    seconds : float
    record : dict
        The searches as plain data; empty where nothing was open.
    """

    arm: Arm
    scores: NDArray[np.float32]
    seconds: float
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """The values found."""
        return ", ".join(f"{name} = {format_value(value)}" for name, value in self.record.get("values", {}).items())


def refuse_open(trainings: Sequence[Training], strategy: Strategy | None) -> None:
    """Raise a UsageError where a value is left open that nothing searches."""
    for arm in _arms(trainings, strategy):
        if left := dimensions(arm):
            raise UsageError(
                f"{left[0].name} is left open in {arm.id}: give tune={METHODS[1]!r} (or {METHODS[0]!r}, "
                f"{METHODS[2]!r}) to search it, or write a value"
            )


def arms_of(trainings: Sequence[Training], strategy: Strategy | None, tuning: Tuning) -> tuple[Arm, ...]:
    """Arms to search: as they are where something is marked, else with everything open that declares a range.

    Raises
    ------
    UsageError
        When there is nothing to search, or a grid has too many points.
    """
    arms = _arms(trainings, strategy)
    if not any(dimensions(arm) for arm in arms):
        arms = [opened(arm) for arm in arms]
    return arms_to_search(arms, tuning)


def _arms(trainings: Sequence[Training], strategy: Strategy | None) -> list[Arm]:
    return [Arm(strategy or training.strategy, training.model) for training in trainings]


def searched_metric(metric: Any, strategy: Strategy | None, counts: NDArray[np.int64]) -> Metric:
    """What values are searched for: with a strategy of the user's own what its rule is for, else log loss."""
    if strategy is None or not isinstance(metric, (str, Metric)):
        return get_metric("log_loss")
    return resolve_metric(metric, counts)


def search_blend(
    arms: Sequence[Arm],
    strategy: Strategy | None,
    data: EngineData,
    metric: Metric,
    tuning: Tuning,
    *,
    n_jobs: int = 1,
    clock: Clock | None = None,
) -> tuple[BlendResult, Strategy | None, list[dict[str, Any]]] | None:
    """Blend of arms whose open values are searched, trained on all rows with the values found there.

    For each fold the values are searched in the other folds, so that the out-of-fold scores, the shares of the blend
    and the decision tuned on them are those of the procedure with its search.

    Parameters
    ----------
    arms : sequence of Arm
    strategy : Strategy, optional
        The user's own; None calibrates the arms, and they enter without an adjustment.
    data : EngineData
        With folds that are dealt once.
    metric : Metric
        What is searched for.
    tuning : Tuning
    n_jobs : int
    clock : Clock, optional

    Returns
    -------
    tuple or None
        The blend; the strategy with the values of the heaviest arm; the searches as plain data. None when the time
        was too short for a single arm.
    """
    clock = clock or Clock()
    rows = ScoredRows.of(data)
    found = _searched(arms, data, rows, metric, tuning, n_jobs, clock)
    if not found:
        return None
    weight = np.ones(len(rows.codes)) if data.row_weight is None else data.row_weight[rows.rows]
    neutral = ClassFactors((1.0,) * data.n_classes)
    with one_thread(), runner(data, n_jobs, stoppable=False) as running:
        # The scores have each fold's own adjustment already.
        members, scores = mix(
            [Member(each.arm.training, 0.0, neutral) for each in found],
            [each.scores for each in found],
            rows.codes, weight, data.seed, calibrate=strategy is None and len(found) > 1,
        )  # fmt: skip
        chosen = [place for place, member in enumerate(members) if member.weight > 0]
        for place in chosen:
            running.submit(Fit(place, members[place].training))
        for _ in chosen:
            result = running.next(None)
            assert result is not None
            place = result.fit.arm
            factors = _factors(found[place].arm, data)
            members[place] = replace(members[place], pipeline=result.pipeline, factors=factors)
    oof = OutOfFold(np.asarray(sum(members[k].weight * scores[k] for k in chosen)), rows.codes, weight)
    records = tuple(_record(*each, rows.codes, weight) for each in zip(found, members, scores, strict=True))
    blend = Blend(tuple(members[place] for place in chosen), data.n_classes)
    heaviest = found[max(chosen, key=lambda place: members[place].weight)].arm.strategy
    searches = [each.record for each in found if each.record]
    return BlendResult(blend, oof, records), heaviest if strategy else None, searches


def _searched(
    arms: Sequence[Arm],
    data: EngineData,
    rows: ScoredRows,
    metric: Metric,
    tuning: Tuning,
    n_jobs: int,
    clock: Clock,
) -> list[SearchedArm]:
    """Arms that are through, in the order given."""
    fixed = [arm for arm in arms if not dimensions(arm)]
    until = None if clock.limit is None else time.time() + _SEARCHING * max(clock.left(), 0.0)
    done = {arm: _fixed(arm, data, rows, n_jobs) for arm in fixed if until is None or time.time() < until}
    searching = [arm for arm in arms if arm not in fixed]
    tuned = search_arms(searching, data, metric, tuning, n_jobs=n_jobs, until=until)
    for arm, each in tuned.items():
        done[arm] = _of_search(each, data, rows, sign_of(metric))
    return [done[arm] for arm in arms if arm in done]


def _fixed(arm: Arm, data: EngineData, rows: ScoredRows, n_jobs: int) -> SearchedArm:
    plans = [FitPlan(arm.training, 0, int(fold)) for fold in np.unique(rows.folds[0])]
    scores = np.empty((len(rows.codes), data.n_classes), dtype=np.float32)
    seconds = 0.0
    for outcome in fit_many(plans, data, n_jobs=n_jobs):
        scores[rows.folds[0] == outcome.plan.fold] = _adjusted(arm, outcome.proba, data)
        seconds += outcome.seconds
    return SearchedArm(arm, scores, seconds)


def _of_search(tuned: Tuned, data: EngineData, rows: ScoredRows, sign: float) -> SearchedArm:
    scores = tuned.scores(rows, data.n_classes)[0]
    for (_, fold), arm in tuned.arm_at.items():
        inside = rows.folds[0] == fold
        scores[inside] = _adjusted(arm, scores[inside], data)
    return SearchedArm(tuned.whole.arm, scores, tuned.seconds, tuning_record(tuned, sign))


def _factors(arm: Arm, data: EngineData) -> ClassFactors:
    adjustment = arm.strategy.adjustment
    assert isinstance(adjustment, Adjustment)
    facts = training_facts(arm.training, data.codes, data.classes)
    return adjustment.bind(priors=facts.priors, weights=facts.weights, classes=data.classes)


def _adjusted(arm: Arm, proba: NDArray[np.float32], data: EngineData) -> NDArray[np.float32]:
    return Member(arm.training, 0.0, _factors(arm, data)).transform(proba).astype(np.float32)


def _record(arm: SearchedArm, member: Member, scores: Array, codes: NDArray[np.int64], weight: Array) -> ArmRecord:
    likelihood = np.clip(scores[np.arange(len(codes)), codes], 1e-12, 1.0)
    loss = float(-np.average(np.log(likelihood), weights=weight))
    return ArmRecord(str(arm.arm.strategy), str(arm.arm.model), member.weight, loss, arm.seconds, arm.note)
