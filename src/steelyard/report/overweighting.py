"""What too much weight does, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words


@dataclass(frozen=True)
class Weighed:
    """The rare classes at so many times their inverse weight."""

    label: str
    factor: float
    recall: float
    precision: float | None
    false_alarms: float
    train_recall: float
    score: float
    train_score: float

    @property
    def gap(self) -> float:
        """How much better the rows that were trained on are predicted."""
        return self.train_score - self.score


@dataclass(frozen=True)
class Overweighting:
    """All factors, the classes weighed up, and what to see in it."""

    points: tuple[Weighed, ...]
    classes: tuple[str, ...]
    model: str
    rows: float | None
    lead: str


def overweighting(raw: Mapping[str, Any] | None) -> Overweighting | None:
    """Demonstration of over-weighting from a study's dict; None where the study made none."""
    points = tuple(point for item in (raw or {}).get("points") or () if (point := _point(item)))
    if not raw or len(points) < 2:
        return None
    classes = tuple(words.clean(name) for name in raw.get("classes") or ())
    return Overweighting(
        points, classes, words.clean(raw.get("model", "")), words.finite(raw.get("rows")), _lead(points)
    )


def _point(raw: Mapping[str, Any]) -> Weighed | None:
    names = ("factor", "recall", "false_alarms", "train_recall", "macro_f1", "train_macro_f1")
    known = [value for name in names if (value := words.finite(raw.get(name))) is not None]
    if len(known) < len(names):
        return None
    factor, recall, alarms, train_recall, score, train_score = known
    label = "none" if factor == 0 else f"\u00d7{factor:g}"
    precision = words.finite(raw.get("precision"))
    return Weighed(label, factor, recall, precision, alarms, train_recall, score, train_score)


def _lead(points: tuple[Weighed, ...]) -> str:
    weighted = [point for point in points if point.factor]
    if len(weighted) < 2:
        return ""
    first, last = weighted[0], weighted[-1]
    found = last.recall - first.recall
    bought = (
        f"finds {words.percent(abs(found))} {'more' if found > 0 else 'fewer'} of their rows"
        if abs(found) >= 0.0005
        else "finds no more of their rows"
    )
    alarms = last.false_alarms - first.false_alarms
    paid = f"{words.whole(abs(alarms))} {'more' if alarms >= 0 else 'fewer'} false alarms"
    return (
        f"With {words.whole(last.factor)} times the inverse weight on the rarest classes, the model {bought} than with "
        f"the inverse weight itself, with {paid} ({words.whole(first.false_alarms)} to "
        f"{words.whole(last.false_alarms)}). On the rows it was trained on it finds {words.percent(last.train_recall)} "
        f"of them, on rows it never saw {words.percent(last.recall)}: that gap is overfitting, and no weight closes it."
    )
