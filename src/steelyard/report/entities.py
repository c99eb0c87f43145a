"""Whole entities beside single tags: what each arm found of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words
from steelyard.report.arms import Arm

Range = tuple[float, float] | None


@dataclass(frozen=True)
class EntityRow:
    """One arm: precision, recall and F1 over entities."""

    arm: Arm
    precision: float | None
    recall: float | None
    f1: float | None
    interval: Range
    delta: float | None
    delta_interval: Range


@dataclass(frozen=True)
class Entities:
    """Arms from the best to the worst at whole entities."""

    lead: str
    rows: tuple[EntityRow, ...]
    test: str


def entities(study: Mapping[str, Any], arms: tuple[Arm, ...], best: str) -> Entities | None:
    """What ``study.json`` says under ``entities``; None where rows are no tokens."""
    raw = study.get("entities")
    if not raw:
        return None
    by_id = {arm.id: arm for arm in arms}
    rows = [_row(by_id[entry["id"]], entry) for entry in raw.get("arms") or () if entry.get("id") in by_id]
    rows.sort(key=lambda row: (row.f1 is None, -(row.f1 or 0.0)))
    there, sentences = words.finite(raw.get("entities")), words.finite(raw.get("sentences"))
    test = (study.get("test") or {}).get("entities") or {}
    return Entities(
        lead=f"{words.whole(there)} entities in {words.whole(sentences)} sentences.",
        rows=tuple(rows),
        test=_on_test(test, best) if test else "",
    )


def _row(arm: Arm, raw: Mapping[str, Any]) -> EntityRow:
    precision, recall, f1, delta = (words.finite(raw.get(key)) for key in ("precision", "recall", "f1", "delta"))
    return EntityRow(arm, precision, recall, f1, words.pair(raw.get("ci")), delta, words.pair(raw.get("delta_ci")))


def _on_test(raw: Mapping[str, Any], best: str) -> str:
    winner, baseline = raw.get("winner") or {}, raw.get("baseline") or {}
    return (
        f"On the test file: the {best} has an F1 of {words.number(winner.get('f1'))}, doing nothing "
        f"{words.number(baseline.get('f1'))}, a change of {words.change(winner.get('delta'))} "
        f"({words.change_interval(winner.get('delta_ci'))})."
    )
