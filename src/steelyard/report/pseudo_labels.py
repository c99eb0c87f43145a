"""What pseudo-labels were given, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words


@dataclass(frozen=True)
class PseudoLabels:
    """One labelling on one model: a sentence, and for each class what was known and what was given."""

    labelling: str
    model: str
    lead: str
    several: bool
    rows: tuple[tuple[Any, ...], ...]


def pseudo_labels(study: Mapping[str, Any]) -> tuple[PseudoLabels, ...]:
    """What ``study.json`` says under ``pseudo_labels``; none where no arm gives any."""
    return tuple(_one(raw) for raw in study.get("pseudo_labels") or ())


def _one(raw: Mapping[str, Any]) -> PseudoLabels:
    classes = raw.get("classes") or ()
    several = any("has_not" in entry for entry in classes)
    what = "labels that are not known" if several else "rows without a label"
    given, unknown = (words.whole(words.finite(raw.get(key))) for key in ("given", "unknown"))
    rows = tuple(
        (str(entry.get("name")), *(int(entry.get(key, 0)) for key in ("known", "has", "has_not"))) for entry in classes
    )
    lead = f"Trained on all rows, the first model is sure of {given} of {unknown} {what}."
    return PseudoLabels(str(raw.get("labelling")), str(raw.get("model")), lead, several, rows)
