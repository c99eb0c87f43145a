"""How many rows each class has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words

#: From this ratio on bars are drawn on a log scale, as the rare ones would vanish on a plain one.
LOG_SCALE_RATIO = 20.0


_TASKS = {
    "binary": "one of two classes per row",
    "multiclass": "one class per row",
    "multilabel": "several labels per row",
    "tokens": "one class per token",
    "masks": "one class per pixel",
    "boxes": "boxes in images",
}


@dataclass(frozen=True)
class ClassCount:
    """One class, its rows, and whether it counts in the scores."""

    name: str
    count: float
    share: float
    is_scored: bool


@dataclass(frozen=True)
class Distribution:
    """The classes from common to rare, and what is to say about them."""

    classes: tuple[ClassCount, ...]
    task: str
    rows: float | None
    imbalance: float | None
    on_log_scale: bool
    lead: str
    unscored: str


def distribution(data: Mapping[str, Any]) -> Distribution | None:
    """Distribution of the classes of a study's data; None where there are no classes, as in regression."""
    raw = data.get("classes") or ()
    if not raw:
        return None
    counts = [(words.clean(item["name"]), words.finite(item.get("count")) or 0.0) for item in raw]
    given = data.get("scored_classes")
    scored = {words.clean(name) for name in given} if given is not None else {name for name, _ in counts}
    # In multi-label data a row belongs to several classes, so shares are of the rows, not of the sum.
    total = words.finite(data.get("rows")) or sum(count for _, count in counts) or 1.0
    if sum(count for _, count in counts) > total and "label" not in str(data.get("task")):
        total = sum(count for _, count in counts)
    classes = tuple(
        ClassCount(name, count, min(count / total, 1.0), name in scored)
        for name, count in sorted(counts, key=lambda item: (-item[1], item[0]))
    )
    present = [item.count for item in classes if item.count > 0]
    steep = bool(present) and max(present) / min(present) > LOG_SCALE_RATIO
    return Distribution(
        classes=classes,
        task=_TASKS.get(str(data.get("task")), words.clean(data.get("task") or "")),
        rows=words.finite(data.get("rows")),
        imbalance=words.finite(data.get("imbalance_ratio")),
        on_log_scale=steep,
        lead=_lead(classes),
        unscored=_unscored(classes),
    )


def _lead(classes: tuple[ClassCount, ...]) -> str:
    first = classes[0]
    opening = f"The commonest class, {words.quoted(first.name)}, covers {words.percent(first.share)} of the rows."
    scored = [item for item in classes if item.is_scored]
    if len(classes) < 2 or not scored:
        return opening
    rarest = scored[-1]
    return (
        f"{opening} The rarest scored class, {words.quoted(rarest.name)}, has "
        f"{words.whole(rarest.count)} {'row' if rarest.count == 1 else 'rows'}."
    )


def _unscored(classes: tuple[ClassCount, ...]) -> str:
    left = [item for item in classes if not item.is_scored]
    if not left:
        return ""
    names = words.listing((f"{words.quoted(item.name)} ({words.whole(item.count)})" for item in left), limit=12)
    return (
        "Learned where possible but not scored, as there are too few rows of "
        f"{'it' if len(left) == 1 else 'them'}: {names}."
    )
