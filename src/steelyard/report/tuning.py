"""What searches found, as the page shows it: the best searched arms, the values of each fold, every trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from steelyard.report import words
from steelyard.report.arms import Arm
from steelyard.report.measures import Measure

#: Searched arms that are shown.
MOST_ARMS = 3
_METHODS = {"grid": "a grid", "random": "random values", "bayes": "a tree-structured Parzen estimator"}


@dataclass(frozen=True)
class TrialView:
    """Score of one trial; of one that was given up, its score by then."""

    number: int
    score: float
    is_given_up: bool


@dataclass(frozen=True)
class FoldSearch:
    """One search: inside the training rows of a fold, or on all rows."""

    where: str
    is_whole: bool
    values: tuple[str, ...]
    score: float | None
    pruned: int
    trials: tuple[TrialView, ...]
    best_so_far: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class SearchedArm:
    """An arm whose values were searched."""

    rank: int
    strategy: str
    model: str
    label: str
    score: float | None
    names: tuple[str, ...]
    searches: tuple[FoldSearch, ...]

    @property
    def whole(self) -> FoldSearch:
        """The search on all rows."""
        return next(search for search in self.searches if search.is_whole)


@dataclass(frozen=True)
class SearchView:
    """The best searched arms, how many there are, and what to see in them."""

    arms: tuple[SearchedArm, ...]
    n_arms: int
    measure: str
    lead: str


def searches(study: Mapping[str, Any], arms: tuple[Arm, ...], measure: Measure) -> SearchView | None:
    """Searches of a study's dict; None where nothing was searched."""
    raw = {str(each["id"]): each["tuning"] for each in study["arms"] if each.get("tuning")}
    shown = [_searched(arm, raw[arm.id], measure) for arm in arms if arm.id in raw]
    shown = [arm for arm in shown if any(search.is_whole and search.best_so_far for search in arm.searches)]
    if not shown:
        return None
    method = next(iter(raw.values())).get("method")
    return SearchView(tuple(shown[:MOST_ARMS]), len(shown), measure.label, _lead(shown, str(method), study))


def _searched(arm: Arm, raw: Mapping[str, Any], measure: Measure) -> SearchedArm:
    names = tuple(str(name) for name in raw.get("values") or {})
    found = tuple(_fold_search(each, names, measure.lower_is_better) for each in raw.get("searches") or ())
    return SearchedArm(arm.rank, arm.strategy, arm.model, arm.label, arm.score, tuple(map(words.clean, names)), found)


def _fold_search(raw: Mapping[str, Any], names: tuple[str, ...], lower: bool) -> FoldSearch:
    fold, repeat = raw.get("fold"), raw.get("repeat") or 0
    again = f", repeat {repeat + 1}" if repeat else ""
    trials = []
    for number, each in enumerate(raw.get("trials") or (), start=1):
        score, steps = words.finite(each.get("score")), each.get("steps") or ()
        shown = score if score is not None else words.finite(steps[-1]) if steps else None
        if shown is not None:
            trials.append(TrialView(number, shown, score is None))
    done = [trial for trial in trials if not trial.is_given_up]
    best = list(accumulate((trial.score for trial in done), min if lower else max))
    line = [(float(trial.number), value) for trial, value in zip(done, best, strict=True)]
    if line and trials:
        line.append((float(trials[-1].number), line[-1][1]))
    return FoldSearch(
        where="all rows" if fold is None else f"all but fold {fold + 1}{again}",
        is_whole=fold is None,
        values=tuple(_value((raw.get("values") or {}).get(name)) for name in names),
        score=words.finite(raw.get("score")),
        pruned=int(raw.get("pruned") or 0),
        trials=tuple(trials),
        best_so_far=tuple(line),
    )


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return words.clean("none" if value is None else value)


def _lead(arms: list[SearchedArm], method: str, study: Mapping[str, Any]) -> str:
    first = arms[0]
    several = words.several(len(arms), "arm")
    lead = f"Values of {several} were searched by {_METHODS.get(method, method)}."
    folds = [search for search in first.searches if not search.is_whole]
    spread = []
    for place, name in enumerate(first.names):
        found = [search.values[place] for search in folds]
        if len(set(found)) > 1:
            spread.append(f"{name} from {_span(found)}")
    if spread:
        lead += (
            f" For the best of them the {len(folds)} folds disagree: {'; '.join(spread)}. "
            "Other values may do about as well as those found on all rows."
        )
    elif folds:
        lead += f" For the best of them all {len(folds)} folds found the same values."
    inner = first.whole.score
    if inner is not None and first.score is not None:
        lead += (
            f" The best trial on all rows has {words.number(inner)}; on rows that took no part in any search the arm "
            f"has {words.number(first.score)}."
        )
    return lead


def _span(found: list[str]) -> str:
    try:
        ordered = sorted(set(found), key=float)
    except ValueError:
        ordered = sorted(set(found))
    return f"{ordered[0]} to {ordered[-1]}"
