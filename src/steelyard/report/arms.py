"""The arms of a study as the report shows them: ranked, with the winner and the baseline marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.report import words
from steelyard.report.classes import ClassRow, class_rows


@dataclass(frozen=True)
class Arm:
    """One strategy with one model, and what it scored."""

    rank: int
    id: str
    strategy: str
    model: str
    score: float | None
    interval: tuple[float, float] | None
    delta: float | None
    delta_interval: tuple[float, float] | None
    no_skill: float | None
    seconds: float | None
    metrics: Mapping[str, float | None]
    classes: tuple[ClassRow, ...]
    notes: tuple[str, ...]
    is_winner: bool
    is_baseline: bool
    best: str
    final_strategy: str
    final_model: str

    @property
    def is_searched(self) -> bool:
        """Whether values were searched, so that the final model differs from what the arm says."""
        return (self.final_strategy, self.final_model) != (self.strategy, self.model)

    @property
    def role(self) -> str:
        """Word that marks the winner and the baseline, so that colour alone never does."""
        names = [name for name, holds in ((self.best, self.is_winner), ("doing nothing", self.is_baseline)) if holds]
        return " and ".join(names)

    @property
    def label(self) -> str:
        """Strategy and model on one line."""
        return f"{self.strategy} · {self.model}"


@dataclass(frozen=True)
class Note:
    """A sentence and the ranks of the arms it holds for."""

    text: str
    ranks: tuple[int, ...]


def ranked_arms(
    study: Mapping[str, Any], lower_is_better: bool, counts: Mapping[str, float], best: str
) -> tuple[Arm, ...]:
    """Arms from best to worst; those without a score come last, equal ones in the study's order.

    `best` is what the page calls the arm that was picked: a winner only where the verdict says so.
    """

    def place(raw: Mapping[str, Any]) -> tuple[bool, float]:
        score = words.finite(raw.get("score"))
        return (score is None, 0.0 if score is None else score if lower_is_better else -score)

    winner = (study.get("winner") or {}).get("id")
    baseline = study.get("baseline")
    ordered = sorted(study["arms"], key=place)
    return tuple(_arm(raw, rank, winner, baseline, counts, best) for rank, raw in enumerate(ordered, start=1))


def _arm(raw: Mapping[str, Any], rank: int, winner: Any, baseline: Any, counts: Mapping[str, float], best: str) -> Arm:
    tuned = raw.get("tuning") or {}
    return Arm(
        rank=rank,
        id=str(raw["id"]),
        strategy=words.clean(raw.get("strategy", "")),
        model=words.clean(raw.get("model", "")),
        score=words.finite(raw.get("score")),
        interval=words.pair(raw.get("ci")),
        delta=words.finite(raw.get("delta")),
        delta_interval=words.pair(raw.get("delta_ci")),
        no_skill=words.finite(raw.get("no_skill")),
        seconds=words.finite(raw.get("seconds")),
        metrics={str(key): words.finite(value) for key, value in (raw.get("metrics") or {}).items()},
        classes=class_rows(raw.get("per_class") or (), counts),
        notes=tuple(words.clean(note) for note in raw.get("notes") or ()),
        is_winner=winner is not None and raw["id"] == winner,
        is_baseline=baseline is not None and raw["id"] == baseline,
        best=best,
        final_strategy=words.clean(tuned.get("strategy", raw.get("strategy", ""))),
        final_model=words.clean(tuned.get("model", raw.get("model", ""))),
    )


def collected_notes(arms: tuple[Arm, ...]) -> tuple[Note, ...]:
    """Notes of all arms, each sentence once with the ranks it belongs to."""
    ranks: dict[str, list[int]] = {}
    for arm in arms:
        for note in arm.notes:
            ranks.setdefault(note, []).append(arm.rank)
    return tuple(Note(text, tuple(places)) for text, places in ranks.items())


def leaderboard_lead(arms: tuple[Arm, ...]) -> str:
    """Sentences that say what the leaderboard shows."""
    strategies, models = len({arm.strategy for arm in arms}), len({arm.model for arm in arms})
    others = [arm.delta_interval for arm in arms if not arm.is_baseline and arm.delta_interval]
    above, below = sum(low > 0 for low, _ in others), sum(high < 0 for _, high in others)
    compared = (
        f"{words.several(len(arms), 'arm')}: {words.several(strategies, 'strategy', 'strategies')}, "
        f"{words.several(models, 'model')}. An arm is one strategy with one model."
    )
    if not others:
        return compared
    return (
        f"{compared} Taken one by one, {above} of the {len(others)} others {'is' if above == 1 else 'are'} "
        f"clearly above doing nothing and {below} clearly below: the interval of the change leaves out 0."
    )
