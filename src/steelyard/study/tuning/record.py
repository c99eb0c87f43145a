"""Searches as plain data, for ``study.json``."""

from __future__ import annotations

import math
from typing import Any

from steelyard.component import format_value
from steelyard.study.tuning.run import Found, Tuned
from steelyard.study.tuning.space import dimensions


def tuning_record(tuned: Tuned, sign: float) -> dict[str, Any]:
    """What was searched, what each search found, and every trial.

    Parameters
    ----------
    tuned : Tuned
    sign : float
        -1 where less is better, so that scores are given in the metric's own unit.
    """
    final = tuned.whole.arm
    return {
        "method": tuned.tuning.method,
        "most_trials": tuned.tuning.most_trials,
        "strategy": str(final.strategy),
        "model": str(final.model),
        "values": dict(tuned.whole.best.values),
        "searched": {each.name: _domain(each.domain) for each in dimensions(tuned.whole.search.arm)},
        "searches": [_search(found, sign) for found in (*tuned.folds, tuned.whole)],
    }


def tuning_notes(tuned: Tuned) -> list[str]:
    """Sentences on what the searches found."""
    values = tuned.whole.best.values
    said = ", ".join(f"{name} = {format_value(value)}" for name, value in values.items())
    notes = [f"values searched inside each training fold; the model trained on all rows has {said}"]
    others = [name for name in values if len({repr(found.best.values[name]) for found in tuned.folds}) > 1]
    if others:
        notes.append(f"the folds disagree on {', '.join(others)}: the score is that of the search, not of one value")
    return notes


def _search(found: Found, sign: float) -> dict[str, Any]:
    return {
        "repeat": found.search.repeat,
        "fold": found.search.fold,
        "values": dict(found.best.values),
        "score": _number(found.best.value, sign),
        "pruned": sum(trial.pruned for trial in found.trials),
        "seconds": round(found.seconds, 3),
        "trials": [
            {
                "values": dict(trial.values),
                "score": _number(trial.value, sign),
                "steps": [_number(step, sign) for step in trial.steps],
            }
            for trial in found.trials
        ],
    }


def _domain(domain: Any) -> list[Any] | dict[str, Any]:
    if hasattr(domain, "values"):
        return list(domain.values)
    return {"low": domain.low, "high": domain.high, "scale": domain.scale}


def _number(value: float | None, sign: float) -> float | None:
    return None if value is None or not math.isfinite(value) else sign * value
