"""What the arms' predictions say: scores with intervals, changes per class, a winner corrected for the choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.metrics import Metric, per_class
from steelyard.study.intervals import holm, mcnemar, paired_difference, wilson
from steelyard.study.judging import ClassCounts, Predictions, judging_of
from steelyard.study.resampling import (
    Bootstraps,
    bootstrapped,
    count_arms,
    halved,
    metric_values,
    permuted,
)

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Bootstraps for an interval, halvings for the winner, shuffles for the mark of no skill.
RESAMPLES = 1000
SHUFFLES = 100
#: Beta of the F-beta that is reported for each class: precision counts twice as much as recall.
BETA = 0.5
#: Level at which a class has gained or lost, after Holm's correction over the classes of an arm.
LEVEL = 0.05


@dataclass(frozen=True)
class Scores:
    """Scores of all arms in the metric's own unit.

    Parameters
    ----------
    score, no_skill, no_skill_high : ndarray of shape (n_arms,)
        Score; mean and 97.5 % quantile of the score without skill (2.5 % where less is better).
    ci, delta_ci : ndarray of shape (2, n_arms)
        95 % percentile intervals.
    delta : ndarray of shape (n_arms,)
        Score less the baseline's.
    baseline : int
        The best arm among those that do nothing.
    """

    score: Array
    ci: Array
    delta: Array
    delta_ci: Array
    no_skill: Array
    no_skill_high: Array
    baseline: int


@dataclass(frozen=True)
class Winner:
    """The best arm and what it is worth once its having been chosen is taken into account.

    Parameters
    ----------
    index : int
    score, gain : float
        Score, and gain over the best way of doing nothing, of the arm chosen on one half of the rows and judged
        on the other; mean over many halvings. The gain is positive when the winner is better.
    score_ci, gain_ci : tuple of float
        95 % intervals.
    """

    index: int
    score: float
    score_ci: tuple[float, float]
    gain: float
    gain_ci: tuple[float, float]


def sign_of(metric: Metric) -> float:
    """1 where more is better, -1 where less is."""
    return 1.0 if metric.greater_is_better else -1.0


def resample_count(n_rows: int, n_arms: int) -> int:
    """Resamples that keep the work of a large study within bounds."""
    return int(np.clip(2e10 / (max(n_rows, 1) * max(n_arms, 1)), 200, RESAMPLES))


def score_arms(
    metric: Metric,
    codes: NDArray[Any],
    arms: Sequence[Predictions],
    plain: Sequence[int],
    drawn: Bootstraps,
    seed: int,
) -> Scores:
    """Scores of all arms; ``plain`` are the arms that do nothing."""
    ones = np.ones((1, len(codes)), dtype=np.float32)
    score = np.array([metric_values(metric, codes, arm, ones)[0] for arm in arms])
    sign = sign_of(metric)
    baseline = plain[int(np.argmax(sign * score[list(plain)]))]
    values = drawn.values
    chance = np.stack([permuted(metric, codes, arm, size=SHUFFLES, seed=seed) for arm in arms])
    return Scores(
        score=score,
        ci=_interval(values),
        delta=score - score[baseline],
        delta_ci=_interval(values - values[baseline]),
        no_skill=chance.mean(axis=1),
        no_skill_high=np.quantile(chance, 0.975 if sign > 0 else 0.025, axis=1),
        baseline=baseline,
    )


def score_pair(
    metric: Metric, codes: NDArray[Any], first: Predictions, second: Predictions, seed: int
) -> dict[str, Any]:
    """Scores of two arms on the same rows, with bootstrap intervals, and their difference."""
    ones = np.ones((1, len(codes)), dtype=np.float32)
    score = [float(metric_values(metric, codes, arm, ones)[0]) for arm in (first, second)]
    drawn = bootstrapped(metric, codes, [first, second], size=resample_count(len(codes), 2), seed=seed).values
    return {
        "first": {"score": score[0], "ci": _interval(drawn[0]).tolist()},
        "second": {"score": score[1], "ci": _interval(drawn[1]).tolist()},
        "delta": score[0] - score[1],
        "delta_ci": _interval(drawn[0] - drawn[1]).tolist(),
    }


def _interval(values: Array) -> Array:
    # Resamples in which a metric is undefined say nothing; to look for them line by line takes ten times as long.
    quantile = np.nanquantile if np.isnan(values).any() else np.quantile
    bounds: Array = quantile(values, [0.025, 0.975], axis=-1)
    return bounds


def choose_winner(
    metric: Metric,
    codes: NDArray[Any],
    arms: Sequence[Predictions],
    plain: Sequence[int],
    scores: Scores,
    seed: int,
) -> Winner:
    """Best arm, judged on rows that did not choose it.

    The rows of each class are halved at random many times; each time the best arm, and the best way of doing
    nothing, are chosen on one half and scored on the other. Half a sample strays from the whole by as much as
    the whole strays from the truth, so the percentiles of these scores are an interval for the whole (McCarthy
    1969, half-sample replication). Arms that tie are ranked by their order: simpler ones come first.
    """
    sign = sign_of(metric)
    size = resample_count(len(codes), len(arms))
    chosen, other = halved(metric, codes, arms, size=size, seed=seed)
    ranked = np.where(np.isnan(chosen), -np.inf, sign * chosen)
    picked = ranked.argmax(axis=0)
    plain_picked = np.asarray(plain)[ranked[list(plain)].argmax(axis=0)]
    draws = np.arange(size)
    won = other[picked, draws]
    gains = sign * (won - other[plain_picked, draws])
    low, high = _interval(won)
    gain_low, gain_high = _interval(gains)
    return Winner(
        index=int((sign * scores.score).argmax()),
        score=float(np.nanmean(won)),
        score_ci=(float(low), float(high)),
        gain=float(np.nanmean(gains)),
        gain_ci=(float(gain_low), float(gain_high)),
    )


@dataclass(frozen=True)
class ClassTable:
    """Figures per class of one arm, each of shape (n_classes,), intervals (2, n_classes)."""

    value: dict[str, Array]
    value_ci: dict[str, Array]
    delta: dict[str, Array]
    delta_ci: dict[str, Array]
    verdict: list[str]


#: What is reported for each class.
PER_CLASS = ("precision", "recall", "f1", "f_beta")


def class_tables(
    codes: NDArray[Any], arms: Sequence[Predictions], baseline: int, drawn: Bootstraps
) -> list[ClassTable]:
    """Figures per class of every arm, against the baseline."""
    ones = np.ones((1, len(codes)), dtype=np.float32)
    whole = count_arms(codes, arms, ones)
    base_drawn = _figures(drawn.counts[baseline])
    return [
        _class_table(codes, arm, arms[baseline], counts, whole[baseline], _figures(resampled), base_drawn)
        for arm, counts, resampled in zip(arms, whole, drawn.counts, strict=True)
    ]


def _figures(counts: ClassCounts) -> dict[str, Array]:
    made = per_class(counts.hits, counts.predicted, counts.actual, beta=BETA)
    return {name: made[name].mean(axis=0) for name in PER_CLASS}


def _class_table(
    codes: NDArray[Any],
    arm: Predictions,
    baseline: Predictions,
    whole: ClassCounts,
    baseline_whole: ClassCounts,
    drawn: dict[str, Array],
    baseline_drawn: dict[str, Array],
) -> ClassTable:
    figures = {name: values[0] for name, values in _figures(whole).items()}
    base = {name: values[0] for name, values in _figures(baseline_whole).items()}
    interval = {name: _interval(drawn[name].T) for name in PER_CLASS}
    delta = {name: figures[name] - base[name] for name in PER_CLASS}
    delta_ci = {name: _interval((drawn[name] - baseline_drawn[name]).T) for name in PER_CLASS}
    # Proportions of few rows: where all rows agree, a bootstrap has no width, and these have.
    hits, named = whole.hits.mean(axis=0)[0], whole.predicted.mean(axis=0)[0]
    interval["recall"] = wilson(hits, whole.actual[0])
    interval["precision"] = wilson(hits, named)
    gained, lost = judging_of(codes).discordant(codes, arm, baseline, len(hits))
    if (gained + lost).any():
        delta_ci["recall"] = paired_difference(gained, lost, whole.actual[0])
    verdict = _class_verdicts(gained, lost, whole.actual[0], delta_ci["f_beta"])
    return ClassTable(figures, interval, delta, delta_ci, verdict)


def _class_verdicts(gained: Array, lost: Array, actual: Array, f_beta_ci: Array) -> list[str]:
    """Words for each class: exact McNemar on recall, Holm over the classes.

    A class gains only where its F-beta is not clearly worse: naming it everywhere is no gain. "too few rows" is
    where even all discordant rows going one way could not have passed.
    """
    present = np.flatnonzero(actual)
    up, down = np.rint(gained).astype(int), np.rint(lost).astype(int)
    p_values = holm(np.array([mcnemar(up[k], down[k]) for k in present]))
    words = ["too few rows"] * len(actual)
    for position, k in enumerate(present):
        best_case = mcnemar(int(actual[k]), 0) * len(present)
        if best_case > LEVEL:
            continue
        words[k] = "no clear change"
        if p_values[position] <= LEVEL:
            if up[k] > down[k] and f_beta_ci[1][k] >= 0:
                words[k] = "gained"
            elif up[k] < down[k]:
                words[k] = "lost"
    return words
