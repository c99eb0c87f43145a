"""A study's dict as a frozen view: everything the page shows, sorted and put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from steelyard.errors import DataError, SteelyardError
from steelyard.report import words
from steelyard.report.arms import Arm, Note, collected_notes, leaderboard_lead, ranked_arms
from steelyard.report.cautions import cautions
from steelyard.report.classes import ClassRow, classes_lead, has_f_beta
from steelyard.report.confusion import Confusion, confusion
from steelyard.report.curves import Curves, curves
from steelyard.report.distribution import Distribution, distribution
from steelyard.report.entities import Entities, entities
from steelyard.report.label_sets import LabelSets, label_sets
from steelyard.report.measures import Measure
from steelyard.report.measures import measure as described
from steelyard.report.overweighting import Overweighting, overweighting
from steelyard.report.pseudo_labels import PseudoLabels, pseudo_labels
from steelyard.report.tradeoff import Tradeoff, tradeoff
from steelyard.report.tuning import SearchView, searches
from steelyard.report.weights import Weights, weights
from steelyard.snippets import write_snippets

_BADGES = {
    "clear_winner": ("Clear winner", "gain"),
    "no_clear_winner": ("No clear winner", "same"),
    "no_gain": ("No gain over doing nothing", "loss"),
}


@dataclass(frozen=True)
class Headline:
    """The verdict and the three numbers below it."""

    badge: str
    tone: str
    text: str
    score: float | None
    interval: tuple[float, float] | None
    gain: float | None
    gain_interval: tuple[float, float] | None
    gain_is_corrected: bool


@dataclass(frozen=True)
class PerClass:
    """The arm whose classes are shown, and why that one."""

    arm: Arm
    stands_in: bool
    rows: tuple[ClassRow, ...]
    has_f_beta: bool
    lead: str


@dataclass(frozen=True)
class View:
    """All that the page shows."""

    title: str
    facts: tuple[str, ...]
    measure: Measure
    best: str
    headline: Headline
    winner: Arm | None
    baseline: Arm | None
    runner_up: Arm | None
    apart: tuple[str, ...]
    cautions: tuple[str, ...]
    distribution: Distribution | None
    arms: tuple[Arm, ...]
    arms_lead: str
    notes: tuple[Note, ...]
    per_class: PerClass | None
    tradeoff: Tradeoff | None
    other_measures: tuple[tuple[str, float | None, float | None], ...]
    confusion: Confusion | None
    weights: Weights | None
    curves: Curves
    overweighting: Overweighting | None
    tuning: SearchView | None
    snippets: tuple[tuple[str, str], ...]
    is_binary: bool
    beta: float | None
    label_sets: LabelSets | None
    entities: Entities | None
    pseudo_labels: tuple[PseudoLabels, ...]
    folds: int | None
    repeats: int | None
    seed: Any
    left_out: tuple[str, ...]
    command: str
    environment: tuple[tuple[str, str], ...]


def build_view(study: Mapping[str, Any]) -> View:
    """View of a study's dict.

    Raises
    ------
    DataError
        When a part that every study has is missing; the message names it.
    """
    for key in ("data", "metric", "arms", "verdict"):
        if key not in study:
            raise DataError(f"the study has no {key!r}: a report needs the dict that study.json holds")
    measure = described(str(study["metric"]))
    data = study["data"]
    spread = distribution(data)
    counts = {item.name: item.count for item in spread.classes} if spread else {}
    scored = {item.name: item.count for item in spread.classes if item.is_scored} if spread else {}
    best = "winner" if study["verdict"].get("kind") == "clear_winner" else "best arm"
    arms = ranked_arms(study, measure.lower_is_better, counts, best)
    winner = next((arm for arm in arms if arm.is_winner), None)
    baseline = next((arm for arm in arms if arm.is_baseline), None)
    left_out = study.get("left_out") or ()
    left_out = [left_out] if isinstance(left_out, str) else left_out
    skipped = (study.get("overweighting") or {}).get("skipped")
    return View(
        title=_file_name(data.get("path")),
        facts=_facts(study, len(arms)),
        measure=measure,
        best=best,
        headline=_headline(study, winner),
        winner=winner,
        baseline=baseline,
        runner_up=next((arm for arm in arms if arm.score is not None and not arm.is_winner), None),
        apart=tuple(_apart(words_for, study[key], best) for key, words_for in _APART.items() if study.get(key)),
        cautions=cautions(
            data.get("warnings") or (), words.finite(data.get("imbalance_ratio")), baseline, winner, scored
        ),
        distribution=spread,
        arms=arms,
        arms_lead=leaderboard_lead(arms),
        notes=collected_notes(arms),
        per_class=_per_class(arms, winner),
        tradeoff=tradeoff(arms, scored),
        other_measures=_other_measures(winner, baseline),
        confusion=confusion(study.get("confusion"), words.heading(best), winner is not None and winner.is_baseline),
        weights=weights(spread.classes) if spread else None,
        curves=curves(study.get("curves"), _drawn(winner, baseline), sum(scored.values())),
        overweighting=overweighting(study.get("overweighting")),
        tuning=searches(study, arms, measure),
        snippets=() if study.get("labels") else _snippets(winner or baseline, len(counts)),
        is_binary=len(counts) == 2 and not study.get("labels"),
        beta=words.finite(study.get("beta")),
        label_sets=label_sets(study.get("labels"), winner is not None and winner.is_baseline),
        entities=entities(study, arms, best),
        pseudo_labels=pseudo_labels(study),
        folds=study.get("folds"),
        repeats=study.get("repeats"),
        seed=study.get("seed"),
        left_out=tuple(words.clean(text) for text in [*left_out, *([skipped] if skipped else [])]),
        command=str(study.get("command") or "") or _python_call(study, arms),
        environment=_flat(study.get("environment") or {}),
    )


_APART = {"holdout": "On rows set apart before the study", "test": "On a test table of other rows"}


def _apart(where: str, found: Mapping[str, Any], best: str) -> str:
    """Sentence on rows that the study never saw."""
    winner, baseline = found.get("winner") or {}, found.get("baseline") or {}
    seen = found.get("seen_rows")
    leak = f" {words.whole(seen)} of them have the features of a studied row, so they are no fair test." if seen else ""
    return (
        f"{where} ({words.whole(found.get('rows'))}), judged once: the {best} has {words.number(winner.get('score'))}, "
        f"doing nothing {words.number(baseline.get('score'))}, a change of {words.change(found.get('delta'))} "
        f"({words.change_interval(found.get('delta_ci'))}).{leak}"
    )


def _file_name(path: Any) -> str:
    if not path:
        return "your data"
    # A report is often read on another system than the one that wrote it.
    flavour = PureWindowsPath if "\\" in str(path) and "/" not in str(path) else PurePosixPath
    return words.clean(flavour(str(path)).name or path)


def _facts(study: Mapping[str, Any], n_arms: int) -> tuple[str, ...]:
    data = study["data"]
    facts = []
    if data.get("target"):
        facts.append(f"target {words.quoted(data['target'])}")
    if data.get("rows") is not None:
        facts.append(words.several(int(data["rows"]), "row"))
    if data.get("classes"):
        facts.append(words.several(len(data["classes"]), "class", "classes"))
    facts.append(words.several(n_arms, "arm"))
    if study.get("created"):
        facts.append(words.clean(study["created"]).replace("T", " ")[:16])
    return tuple(facts)


def _headline(study: Mapping[str, Any], winner: Arm | None) -> Headline:
    raw, verdict = study.get("winner") or {}, study["verdict"]
    kind = str(verdict.get("kind"))
    badge, tone = _BADGES.get(kind, (words.clean(kind).replace("_", " ").capitalize(), "same"))
    corrected = words.finite(raw.get("gain"))
    shown = corrected if corrected is not None or winner is None else winner.delta
    ends = words.pair(raw.get("gain_ci")) if corrected is not None or winner is None else winner.delta_interval
    return Headline(
        badge=badge,
        tone=tone,
        text=words.clean(verdict.get("text") or badge),
        score=words.finite(raw.get("score")),
        interval=words.pair(raw.get("ci")),
        gain=shown,
        gain_interval=ends,
        gain_is_corrected=corrected is not None,
    )


def _per_class(arms: tuple[Arm, ...], winner: Arm | None) -> PerClass | None:
    shown = winner
    if shown is None or shown.is_baseline:
        shown = next((arm for arm in arms if not arm.is_baseline and arm.classes), None)
    if shown is None or not shown.classes:
        return None
    return PerClass(shown, shown is not winner, shown.classes, has_f_beta(shown.classes), classes_lead(shown.classes))


def _other_measures(winner: Arm | None, baseline: Arm | None) -> tuple[tuple[str, float | None, float | None], ...]:
    if winner is None or baseline is None or winner is baseline:
        return ()
    names = [name for name in winner.metrics if name in baseline.metrics]
    return tuple((described(name).label, winner.metrics[name], baseline.metrics[name]) for name in names)


def _drawn(winner: Arm | None, baseline: Arm | None) -> dict[str, Arm]:
    """Arms whose curves are shown: doing nothing alone where that came first."""
    arms = {"winner": winner, "baseline": baseline}
    if winner is not None and winner.is_baseline:
        arms["winner"] = None
    return {key: arm for key, arm in arms.items() if arm is not None}


def _snippets(arm: Arm | None, n_classes: int) -> tuple[tuple[str, str], ...]:
    if arm is None or not n_classes:
        return ()
    try:
        return tuple(write_snippets(arm.final_strategy, arm.final_model, n_classes=n_classes).items())
    except SteelyardError:
        # A study of another release may name what this one does not know.
        return ()


def _python_call(study: Mapping[str, Any], arms: tuple[Arm, ...]) -> str:
    """Call that makes a study from Python again, where no command line did."""
    tuned: Mapping[str, Any] = next((raw["tuning"] for raw in study["arms"] if raw.get("tuning")), {})
    given = {
        "models": ", ".join(dict.fromkeys(arm.model for arm in arms)),
        "strategies": "; ".join(dict.fromkeys(arm.strategy for arm in arms)),
        "metric": str(study["metric"]),
        "folds": study.get("folds"),
        "repeats": study.get("repeats"),
        "random_state": study.get("seed"),
        "tune": tuned.get("method"),
        "trials": tuned.get("most_trials"),
    }
    inside = "".join(f"    {key}={value!r},\n" for key, value in given.items() if value is not None)
    return f"sy.run_study(\n    X,\n    y,\n{inside})"


def _flat(environment: Mapping[str, Any], prefix: str = "") -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    for key, value in environment.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key} ")
        elif isinstance(value, (list, tuple)):
            rows.append((words.clean(f"{prefix}{key}"), words.clean(", ".join(map(str, value)))))
        else:
            rows.append((words.clean(f"{prefix}{key}"), words.clean(value)))
    return tuple(rows)
