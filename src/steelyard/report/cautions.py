"""Sentences that warn: about the data, about a flattering accuracy, about classes that are missed."""

from __future__ import annotations

from collections.abc import Iterable

from steelyard.inspection import imbalance_advice
from steelyard.report import words
from steelyard.report.arms import Arm
from steelyard.report.classes import LOW_RECALL

#: Accuracy from which a recall of 0 deserves to be named.
FLATTERING_ACCURACY = 0.9


def cautions(
    warnings: Iterable[str],
    imbalance: float | None,
    baseline: Arm | None,
    winner: Arm | None,
    scored: Iterable[str],
) -> tuple[str, ...]:
    """All cautions of a study, those of the data first."""
    names = set(scored)
    found = [words.clean(text) for text in warnings]
    if baseline:
        found += _flattering(baseline, names)
    if winner and not winner.is_baseline:
        found += _flattering(winner, names)
    if winner:
        found += _missed(winner, names)
    return (*found, *_imbalanced(imbalance))


def _flattering(arm: Arm, scored: set[str]) -> list[str]:
    accuracy = arm.metrics.get("accuracy")
    never = [row for row in arm.classes if row.name in scored and row.recall.value == 0]
    if accuracy is None or accuracy < FLATTERING_ACCURACY or not never:
        return []
    names = words.listing((words.quoted(row.name) for row in never), limit=6)
    who = "Doing nothing" if arm.is_baseline else f"The {arm.best}"
    return [
        f"{who} is right on {words.percent(accuracy)} of all rows, yet finds not a single row of "
        f"{names}: a recall of 0 behind a high accuracy. Here accuracy measures the common classes only."
    ]


def _missed(winner: Arm, scored: set[str]) -> list[str]:
    low = [
        row
        for row in winner.classes
        if row.name in scored and row.recall.value is not None and row.recall.value < LOW_RECALL
    ]
    if not low:
        return []
    worst = sorted(low, key=lambda row: (row.recall.value or 0.0, row.name))
    named = (f"{words.quoted(row.name, 40)} ({words.percent(row.recall.value)})" for row in worst)
    count = "a class" if len(low) == 1 else f"{len(low)} classes"
    return [
        f"The {winner.best} finds fewer than {LOW_RECALL * 100:.0f}\u00a0% of the rows of {count}: "
        f"{words.listing(named, limit=6)}. Do not rely on it alone there."
    ]


def _imbalanced(imbalance: float | None) -> list[str]:
    said = None if imbalance is None else imbalance_advice(imbalance)
    return [f"The commonest class has {words.ratio(imbalance)} times the rows of the rarest. {said}"] if said else []
