"""The confusion matrix: shaded counts while it is small, its largest off-diagonal counts beyond that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.report import words

#: Up to so many classes the whole matrix is shown; beyond, so many of the most frequent confusions.
LARGEST_MATRIX = 20
MOST_FREQUENT = 15


@dataclass(frozen=True)
class Cell:
    """A count and its share of the row, that is of the true class."""

    count: float
    share: float
    is_right: bool


@dataclass(frozen=True)
class Matrix:
    """Counts of one arm; rows are true labels, columns are predicted ones."""

    title: str
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class Mistake:
    """Rows of one class that were taken for another, by the arm shown and by doing nothing."""

    true: str
    predicted: str
    count: float
    share: float
    before: float | None


@dataclass(frozen=True)
class Confusion:
    """Either whole matrices or a list of mistakes."""

    labels: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    mistakes: tuple[Mistake, ...]
    numbered: bool


def confusion(raw: Mapping[str, Any] | None, best: str, winner_is_baseline: bool) -> Confusion | None:
    """Confusion of the winner, and of doing nothing where that is another arm; None where none was given."""
    if not raw or not raw.get("labels"):
        return None
    labels = tuple(words.clean(label) for label in raw["labels"])
    winner, baseline = _counts(raw.get("winner"), labels), _counts(raw.get("baseline"), labels)
    named = [(best, winner), ("Doing nothing", baseline)]
    if winner_is_baseline:
        named = [("Doing nothing, which came first", winner or baseline)]
    known = [(title, counts) for title, counts in named if counts]
    if not known:
        return None
    numbered = len(labels) > 6 or any(words.columns(label) > 24 for label in labels)
    if len(labels) > LARGEST_MATRIX:
        before = baseline if winner and not winner_is_baseline else None
        return Confusion(labels, (), _mistakes(labels, known[0][1], before), numbered)
    return Confusion(labels, tuple(_matrix(title, labels, counts) for title, counts in known), (), numbered)


def _counts(raw: Any, labels: Sequence[str]) -> list[list[float]] | None:
    if not raw or len(raw) != len(labels) or any(len(row) != len(labels) for row in raw):
        return None
    return [[words.finite(value) or 0.0 for value in row] for row in raw]


def _matrix(title: str, labels: Sequence[str], counts: list[list[float]]) -> Matrix:
    rows = []
    for true, row in enumerate(counts):
        total = sum(row) or 1.0
        cells = tuple(Cell(value, value / total, true == predicted) for predicted, value in enumerate(row))
        rows.append((labels[true], cells))
    return Matrix(title, tuple(rows))


def _mistakes(
    labels: Sequence[str], counts: list[list[float]], before: list[list[float]] | None
) -> tuple[Mistake, ...]:
    found = [
        Mistake(
            labels[true],
            labels[predicted],
            value,
            value / sum(row),
            before[true][predicted] if before else None,
        )
        for true, row in enumerate(counts)
        for predicted, value in enumerate(row)
        if true != predicted and value > 0
    ]
    return tuple(sorted(found, key=lambda mistake: -mistake.count)[:MOST_FREQUENT])
