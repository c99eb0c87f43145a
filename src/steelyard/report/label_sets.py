"""Rows with several labels: how many they have, and which labels come together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words


@dataclass(frozen=True)
class Pair:
    """Two labels, the scored rows that have both, and how often the arm shown and doing nothing give both."""

    first: str
    second: str
    rows: float | None
    winner: float | None
    baseline: float | None


@dataclass(frozen=True)
class Cut:
    """From which probability on a label is given."""

    name: str
    count: float | None
    winner: float | None


@dataclass(frozen=True)
class LabelSets:
    """Number of labels of the rows, and the pairs that come most often."""

    lead: str
    numbers: tuple[tuple[int, float, float], ...]
    unknown: str
    pairs: tuple[Pair, ...]
    cuts: tuple[Cut, ...]
    winner_is_baseline: bool


def label_sets(raw: Mapping[str, Any] | None, winner_is_baseline: bool) -> LabelSets | None:
    """What ``study.json`` says under ``labels``; None where each row has one label."""
    if not raw:
        return None
    counts = [words.finite(count) or 0.0 for count in raw.get("rows_by_number") or ()]
    total = sum(counts) or 1.0
    pairs = tuple(_pair(entry) for entry in raw.get("pairs") or ())
    unknown = words.finite(raw.get("unknown"))
    return LabelSets(
        lead=f"A row has {words.number(raw.get('cardinality'))} labels on average.",
        numbers=tuple((number, count, count / total) for number, count in enumerate(counts) if count),
        unknown=f"{words.percent(unknown)} of all entries are not known; they count as none here." if unknown else "",
        pairs=pairs,
        cuts=tuple(_cut(entry) for entry in raw.get("thresholds") or ()),
        winner_is_baseline=winner_is_baseline,
    )


def _cut(raw: Mapping[str, Any]) -> Cut:
    numbers = (words.finite(raw.get(key)) for key in ("count", "winner"))
    return Cut(words.clean(raw["name"]), *numbers)


def _pair(raw: Mapping[str, Any]) -> Pair:
    first, second = (words.clean(name) for name in raw["labels"])
    numbers = (words.finite(raw.get(key)) for key in ("rows", "winner", "baseline"))
    return Pair(first, second, *numbers)
