"""What the rare classes gained against what the common ones lost, arm by arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steelyard.report import words
from steelyard.report.arms import Arm

#: So many of the best arms are numbered in the chart and listed below it.
NUMBERED = 8


@dataclass(frozen=True)
class Point:
    """Mean recall change of one arm over the commoner and the rarer half of the classes."""

    arm: Arm
    common: float
    rare: float


@dataclass(frozen=True)
class Tradeoff:
    """All points, and which classes make up the two halves."""

    points: tuple[Point, ...]
    numbered: tuple[Point, ...]
    rare: tuple[str, ...]
    common: tuple[str, ...]
    lead: str


def tradeoff(arms: Sequence[Arm], scored: Mapping[str, float]) -> Tradeoff | None:
    """Trade-off over the scored classes; None where there are fewer than two or no changes are known."""
    ordered = sorted(scored, key=lambda name: (scored[name], name))
    rare, common = ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]
    points = tuple(point for arm in arms if not arm.is_baseline and (point := _point(arm, rare, common)))
    if not rare or not points:
        return None
    shown = [point for point in points if point.arm.is_winner]
    shown += [point for point in points if not point.arm.is_winner][: NUMBERED - len(shown)]
    return Tradeoff(
        points=points,
        numbered=tuple(sorted(shown, key=lambda point: point.arm.rank)),
        rare=tuple(rare),
        common=tuple(common),
        lead=_lead(points),
    )


def _point(arm: Arm, rare: Sequence[str], common: Sequence[str]) -> Point | None:
    changes = {row.name: row.recall.delta for row in arm.classes}
    means = []
    for names in (common, rare):
        known = [delta for name in names if (delta := changes.get(name)) is not None]
        if not known:
            return None
        means.append(sum(known) / len(known))
    return Point(arm, *means)


def _lead(points: Sequence[Point]) -> str:
    winner = next((point for point in points if point.arm.is_winner), None)
    both = sum(point.rare > 0 and point.common >= 0 for point in points)
    paid = sum(point.rare > 0 > point.common for point in points)
    overall = (
        f"Of {words.several(len(points), 'arm')} besides doing nothing, {paid} raised the rarer half at the "
        f"expense of the commoner half, {both} without it."
    )
    if winner is None:
        return overall
    return (
        f"The {winner.arm.best} changes recall by {words.change(winner.rare)} on average over the rarer half "
        f"of the classes and by {words.change(winner.common)} over the commoner half. {overall}"
    )
