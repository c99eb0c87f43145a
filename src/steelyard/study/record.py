"""A study as plain data: the contents of ``study.json`` and of ``predictions.parquet``."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.study.assess import Assessed
from steelyard.study.compare import BETA, PER_CLASS, sign_of
from steelyard.study.curves import curves_record
from steelyard.study.environment import environment, trained_on
from steelyard.study.judging import judging_of
from steelyard.study.label_sets import label_lists, labels_record
from steelyard.study.outcome import StudyOutcome
from steelyard.study.run import arm_notes
from steelyard.study.tuning.record import tuning_record

if TYPE_CHECKING:
    import polars as pl

SCHEMA_VERSION = 1


def study_record(outcome: StudyOutcome, command: str | None = None) -> dict[str, Any]:
    """Contents of ``study.json``: JSON-safe, undefined numbers as None.

    Parameters
    ----------
    outcome : StudyOutcome
    command : str, optional
        Command line that makes the study again.
    """
    arms = [arm_record(outcome, index) for index in range(len(outcome.arms))]
    winner, scores = outcome.winner, outcome.scores
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "data": data_record(outcome),
        "metric": str(outcome.metric),
        "greater_is_better": outcome.metric.greater_is_better,
        "beta": BETA,
        "seed": outcome.data.seed,
        "folds": int(outcome.scored.folds.max()) + 1,
        "repeats": len(outcome.scored.folds),
        "baseline": outcome.arms[scores.baseline].arm.id,
        "arms": arms,
        "winner": {
            "id": outcome.best.arm.id,
            "strategy": str(outcome.best.final.strategy),
            "model": str(outcome.best.final.model),
            "score": number(winner.score),
            "ci": [number(bound) for bound in winner.score_ci],
            "gain": number(winner.gain),
            "gain_ci": [number(bound) for bound in winner.gain_ci],
        },
        "verdict": {"kind": outcome.verdict.kind, "text": outcome.verdict.text},
        "curves": curves_record(outcome),
        "overweighting": outcome.overweighting,
        **({"labels": labels_record(outcome)} if outcome.data.multilabel else {"confusion": confusion_record(outcome)}),
        "left_out": list(outcome.left_out),
        "complete": not outcome.late,
        "environment": {**environment(), "device": trained_on(outcome)},
    }
    if command:
        record["command"] = command
    return record


def data_record(outcome: StudyOutcome) -> dict[str, Any]:
    """The part about the data."""
    counts, scored = outcome.class_counts, outcome.scored_counts
    names = [str(name) for name in outcome.data.classes]
    return {
        "path": outcome.facts.path,
        "target": outcome.facts.target,
        "rows": len(outcome.data.codes),
        "task": outcome.data.task,
        "classes": [{"name": name, "count": int(n)} for name, n in zip(names, counts, strict=True)],
        "scored_classes": [name for name, n in zip(names, scored, strict=True) if n],
        "imbalance_ratio": float(counts.max() / counts[counts > 0].min()),
        "warnings": list(outcome.facts.warnings),
    }


def arm_record(outcome: StudyOutcome, index: int) -> dict[str, Any]:
    """One entry of ``arms``."""
    assessed, scores, table = outcome.arms[index], outcome.scores, outcome.classes[index]
    judging = judging_of(outcome.scored.codes)
    made = [
        judging.evaluate(outcome.scored.codes, proba, predicted, outcome.data.n_classes)
        for proba, predicted in zip(assessed.predictions.proba, assessed.predictions.predicted, strict=True)
    ]
    per_class = []
    for code, support in enumerate(outcome.scored_counts):
        if not support:
            continue
        entry: dict[str, Any] = {"name": str(outcome.data.classes[code]), "support": int(support)}
        for name in PER_CLASS:
            entry[name] = number(table.value[name][code])
            entry[f"{name}_ci"] = [number(bound) for bound in table.value_ci[name][:, code]]
        for name in PER_CLASS:
            entry[f"{name}_delta"] = number(table.delta[name][code])
            entry[f"{name}_delta_ci"] = [number(bound) for bound in table.delta_ci[name][:, code]]
        per_class.append({**entry, "verdict": table.verdict[code]})
    return {
        "id": assessed.arm.id,
        "strategy": str(assessed.arm.strategy),
        "model": str(assessed.arm.model),
        "score": number(scores.score[index]),
        "ci": [number(bound) for bound in scores.ci[:, index]],
        "delta": number(scores.delta[index]),
        "delta_ci": [number(bound) for bound in scores.delta_ci[:, index]],
        "no_skill": number(scores.no_skill[index]),
        "metrics": {name: _mean([values[name] for values in made]) for name in made[0]},
        "seconds": round(assessed.seconds, 3),
        "per_class": per_class,
        "notes": arm_notes(outcome, index),
        **({"mixture": mixture_record(assessed)} if assessed.mixture else {}),
        **({"tuning": tuning_record(assessed.tuned, sign_of(outcome.metric))} if assessed.tuned else {}),
    }


def mixture_record(assessed: Assessed) -> list[dict[str, Any]]:
    """What a mixture is made of, the largest share first."""
    members = sorted(assessed.mixture, key=lambda member: -member.weight)
    return [
        {"strategy": str(m.training.strategy), "model": str(m.training.model), "weight": round(m.weight, 4)}
        for m in members
    ]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return number(float(np.mean(known))) if len(known) == len(values) else None


def confusion_record(outcome: StudyOutcome) -> dict[str, Any]:
    """Confusion matrices of the winner and the baseline, rows true, columns predicted, mean over repeats."""
    n = outcome.data.n_classes

    def matrix(index: int) -> list[list[float]]:
        predicted = outcome.arms[index].predictions.predicted
        joint = np.bincount((outcome.scored.codes * n + predicted).ravel(), minlength=n * n) / len(predicted)
        return [[round(float(value), 3) for value in row] for row in joint.reshape(n, n)]

    return {
        "labels": [str(name) for name in outcome.data.classes],
        "winner": matrix(outcome.winner.index),
        "baseline": matrix(outcome.scores.baseline),
    }


def number(value: float) -> float | None:
    """A float for JSON; undefined is None."""
    return float(value) if math.isfinite(value) else None


def predictions_frame(outcome: StudyOutcome) -> pl.DataFrame:
    """Out-of-fold predictions, a line for each scored row, arm and repeat.

    Returns
    -------
    polars.DataFrame
        Columns ``row`` (0-based position in the source), ``id`` where ids were given, ``sequence`` and ``position``
        where rows are tokens of sentences, ``arm``, ``fold``, ``repeat``, ``label``,
        ``prediction`` and a ``p:<class>`` for each class. Where rows may have several labels ``label`` and
        ``prediction`` are lists, and ``unknown`` lists the labels of which nothing is known.
    """
    import polars as pl

    names = [str(name) for name in outcome.data.classes]
    scored = outcome.scored
    numbers = outcome.facts.row_numbers
    rows = scored.rows if numbers is None else numbers[scored.rows]
    named = label_lists if outcome.data.multilabel else _named
    labels = {"label": named(outcome.data.codes[scored.rows], names)}
    if outcome.data.multilabel and (unknown := np.isnan(outcome.data.codes[scored.rows])).any():
        labels["unknown"] = label_lists(unknown, names)
    parts = []
    for assessed in outcome.arms:
        for repeat, folds in enumerate(scored.folds):
            predictions = assessed.predictions
            columns: dict[str, Any] = {"row": rows}
            if outcome.facts.ids is not None:
                columns["id"] = np.asarray(outcome.facts.ids, dtype=object)[scored.rows].tolist()
            if outcome.facts.lengths is not None:
                sequence, position = outcome.facts.token_places
                columns |= {"sequence": sequence[scored.rows], "position": position[scored.rows]}
            frame = pl.DataFrame(columns).with_columns(
                pl.lit(assessed.arm.id).alias("arm"),
                pl.Series("fold", folds),
                pl.lit(repeat, dtype=pl.Int64).alias("repeat"),
                *(series.alias(name) for name, series in labels.items()),
                named(predictions.predicted[repeat], names).alias("prediction"),
                *(pl.Series(f"p:{name}", predictions.proba[repeat][:, code]) for code, name in enumerate(names)),
            )
            parts.append(frame)
    return pl.concat(parts)


def _named(codes: NDArray[np.int64], names: list[str]) -> pl.Series:
    import polars as pl

    return pl.Series(names).gather(codes)
