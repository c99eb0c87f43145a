"""What an arm does to each class: the rows of the per-class table and chart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words

#: Below this recall a class is pointed out.
LOW_RECALL = 0.7


@dataclass(frozen=True)
class Verdict:
    """How a class fared, as a word, a shape and the name of a colour."""

    text: str
    glyph: str
    shape: str
    tone: str


VERDICTS = {
    "gained": Verdict("gained", "▲", "triangle-up", "gain"),
    "lost": Verdict("lost", "▼", "triangle-down", "loss"),
    "no clear change": Verdict("no clear change", "●", "circle", "same"),
    "too few rows": Verdict("too few rows", "◇", "diamond", "few"),
}
_UNKNOWN = Verdict(words.UNDEFINED, "", "circle", "same")


@dataclass(frozen=True)
class Figure:
    """A measure of one class, and its change against doing nothing."""

    value: float | None
    delta: float | None
    delta_interval: tuple[float, float] | None


@dataclass(frozen=True)
class ClassRow:
    """One class under one arm."""

    name: str
    support: float | None
    precision: Figure
    recall: Figure
    f1: Figure
    f_beta: Figure
    verdict: Verdict


def class_rows(raw: Iterable[Mapping[str, Any]], counts: Mapping[str, float]) -> tuple[ClassRow, ...]:
    """Rows from the class with most rows to the one with fewest; names break ties."""
    rows = [_row(item, counts) for item in raw]
    return tuple(sorted(rows, key=lambda row: (-(row.support or 0.0), row.name)))


def _row(raw: Mapping[str, Any], counts: Mapping[str, float]) -> ClassRow:
    name = words.clean(raw["name"])
    support = words.finite(raw.get("support"))
    figures = {
        key: Figure(
            words.finite(raw.get(key)),
            words.finite(raw.get(f"{key}_delta")),
            words.pair(raw.get(f"{key}_delta_ci")),
        )
        for key in ("precision", "recall", "f1", "f_beta")
    }
    verdict = VERDICTS.get(str(raw.get("verdict")), _UNKNOWN)
    return ClassRow(name=name, support=counts.get(name) if support is None else support, verdict=verdict, **figures)


def has_f_beta(rows: Iterable[ClassRow]) -> bool:
    """Whether F-beta says anything that F1 does not."""
    return any(row.f_beta.value is not None and row.f_beta.value != row.f1.value for row in rows)


def classes_lead(rows: tuple[ClassRow, ...]) -> str:
    """Sentence that counts the verdicts."""
    tally = {text: sum(row.verdict.text == text for row in rows) for text in VERDICTS}
    parts = [f"{words.several(tally['gained'], 'class', 'classes')} gained", f"{tally['lost']} lost"]
    if unclear := tally["no clear change"]:
        parts.append(f"{unclear} {'shows' if unclear == 1 else 'show'} no clear change")
    if few := tally["too few rows"]:
        parts.append(f"{few} {'has' if few == 1 else 'have'} too few rows to tell")
    return f"{words.listing(parts)}."


def abridged(rows: tuple[Any, ...], limit: int) -> tuple[Any, ...]:
    """At most `limit` rows: the first and the last ones, so both the common and the rare stay in sight."""
    if len(rows) <= limit:
        return rows
    return rows[: limit // 2] + rows[-(limit - limit // 2) :]
