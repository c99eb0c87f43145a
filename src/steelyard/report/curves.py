"""Curves of the rarest classes, reliability and net benefit, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.inspection.advice import wilson
from steelyard.report import words
from steelyard.report.arms import Arm

Point = tuple[float, float]
#: Recalls at which precision is read off for the table.
RECALLS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class Curve:
    """Curves of one class under one arm."""

    precision_recall: tuple[Point, ...]
    roc: tuple[Point, ...]
    average_precision: float | None
    roc_auc: float | None

    def precision_at(self, recall: float) -> float | None:
        """Best precision at that recall or a higher one."""
        known = [precision for found, precision in self.precision_recall if found >= recall - 1e-9]
        return max(known, default=None)


@dataclass(frozen=True)
class ClassCurves:
    """A class, its share of the scored rows, its curves by arm ("winner", "baseline"), and where the arms decide.

    A decision is a pair of recall and precision.
    """

    name: str
    support: float | None
    share: float | None
    arms: Mapping[str, Curve]
    decisions: Mapping[str, Point]


@dataclass(frozen=True)
class Bin:
    """Rows of about one probability: the mean of it, how often it came true, and the 95 % interval of that."""

    predicted: float
    observed: float
    rows: float
    interval: Point


@dataclass(frozen=True)
class Reliability:
    """Bins of one arm, its calibration error, Brier score and log loss."""

    arm: str
    bins: tuple[Bin, ...]
    error: float | None
    brier: float | None
    log_loss: float | None


@dataclass(frozen=True)
class NetBenefit:
    """Net benefit of acting on the rows above a cut, by who decides ("winner", "baseline", "all")."""

    name: str
    cuts: tuple[float, ...]
    lines: Mapping[str, tuple[float, ...]]
    lead: str


@dataclass(frozen=True)
class Curves:
    """All of it, each part only where the study has it."""

    classes: tuple[ClassCurves, ...]
    reliability: tuple[Reliability, ...]
    net_benefit: NetBenefit | None
    are_one: bool


def curves(raw: Mapping[str, Any] | None, arms: Mapping[str, Arm], scored: float | None) -> Curves:
    """Curves from a study's dict.

    Parameters
    ----------
    raw : mapping or None
        ``curves`` of ``study.json``.
    arms : mapping
        The arms to show, by "winner" and "baseline"; an arm that is not named is not shown.
    scored : float, optional
        Scored rows.
    """
    raw = raw or {}
    classes = tuple(_class(item, arms, scored) for item in raw.get("classes") or ())
    given = raw.get("reliability") or {}
    reliable = tuple(_reliability(key, given[key], arms[key].metrics) for key in arms if given.get(key))
    return Curves(
        classes=tuple(item for item in classes if item.arms),
        reliability=tuple(item for item in reliable if item.bins),
        net_benefit=_net_benefit(raw.get("net_benefit"), arms),
        are_one=len(arms) == 2 and bool(given) and given.get("winner") == given.get("baseline"),
    )


def _class(raw: Mapping[str, Any], arms: Mapping[str, Arm], scored: float | None) -> ClassCurves:
    name = words.clean(raw.get("name", ""))
    support = words.finite(raw.get("support"))
    found = {}
    for key in arms:
        own = raw.get(key) or {}
        points = _points(own.get("precision_recall"))
        if points:
            found[key] = Curve(
                points,
                _points(own.get("roc")),
                words.finite(own.get("average_precision")),
                words.finite(own.get("roc_auc")),
            )
    share = support / scored if support and scored else None
    decided = {
        key: (row.recall.value, row.precision.value)
        for key in found
        for row in arms[key].classes
        if row.name == name and row.recall.value is not None and row.precision.value is not None
    }
    return ClassCurves(name, support, share, found, decided)


def _points(raw: Any) -> tuple[Point, ...]:
    return tuple(point for item in raw or () if (point := words.pair(item)))


def _reliability(key: str, raw: Mapping[str, Any], metrics: Mapping[str, Any]) -> Reliability:
    bins = []
    for predicted, observed, rows in zip(
        raw.get("predicted", ()), raw.get("observed", ()), raw.get("rows", ()), strict=False
    ):
        known = words.pair([predicted, observed])
        if known and rows:
            bins.append(Bin(*known, rows, wilson(min(max(known[1], 0.0), 1.0), rows)))
    return Reliability(key, tuple(bins), words.finite(raw.get("error")), metrics.get("brier"), metrics.get("log_loss"))


def _net_benefit(raw: Mapping[str, Any] | None, arms: Mapping[str, Any]) -> NetBenefit | None:
    if not raw or not raw.get("threshold"):
        return None
    cuts = tuple(words.finite(cut) or 0.0 for cut in raw["threshold"])
    lines = {
        key: tuple(words.finite(value) or 0.0 for value in raw[key])
        for key in (*arms, "all")
        if len(raw.get(key) or ()) == len(cuts)
    }
    if not lines:
        return None
    name = words.clean(raw.get("class", ""))
    return NetBenefit(name, cuts, lines, _benefit_lead(name, cuts, lines, next(iter(arms), "")))


def _benefit_lead(name: str, cuts: Sequence[float], lines: Mapping[str, Sequence[float]], best: str) -> str:
    simple = [max(0.0, value) for value in lines.get("all", [0.0] * len(cuts))]
    useful = [cut for cut, value, other in zip(cuts, lines.get(best, ()), simple, strict=False) if value > other + 1e-6]
    if not useful:
        return (
            f"At no cut does deciding by this model's probability of {words.quoted(name)} do better than acting on "
            "every row or on none."
        )
    return (
        f"Acting on the rows whose probability of {words.quoted(name)} is above a cut is worth more than acting on "
        f"all or on none for cuts from {words.percent(min(useful))} to {words.percent(max(useful))}. "
        "A cut of 10\u00a0% means that one hit is worth nine false alarms."
    )
