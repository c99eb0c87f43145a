"""What the rules that cut scores share: every distinct cut point with its counts, and the fitted rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.decisions._base import (
    Array,
    Codes,
    FittedDecision,
    check_codes,
    check_proba,
)
from steelyard.decisions._buckets import BUCKETS, Candidates, collect, compiled_pays, tally
from steelyard.errors import UsageError

# Metrics that differ by less are equal up to the order of summation.
_TIE = 1e-12
#: Rows from which counting in buckets is faster than sorting them all.
_MANY = 4096
#: Values of cuts of which only the counts are looked at.
_NO_VALUES = np.zeros(0)

#: From cuts of one problem to the chosen value and what to say about it ("" for nothing).
Choice = Callable[["Cuts"], tuple[float, str]]
#: From cuts to what they are ranked by.
Value = Callable[["Cuts"], Array]


@dataclass(frozen=True)
class Cuts:
    """All ways to cut scores of known class in two: a row is positive when its score is at least the cut.

    Cuts lie between distinct scores only, so that rows of equal score are never parted.

    Attributes
    ----------
    values : ndarray of shape (n_cuts,)
        Cut values, highest first: midpoints between neighbouring scores. The first makes no row positive, the
        last makes all.
    hits : ndarray of shape (n_cuts,)
        Positive rows at or above the cut.
    selected : ndarray of shape (n_cuts,)
        Rows at or above the cut.
    positives, total : float
        Positive rows, and all rows.
    """

    values: Array
    hits: Array
    selected: Array
    positives: float
    total: float

    def counts(self) -> tuple[Array, Array, Array]:
        """Counts of the negative and the positive class at each cut, as count metrics take them."""
        negatives = self.total - self.positives
        right_negatives = negatives - (self.selected - self.hits)
        hits = np.stack([right_negatives, self.hits], axis=-1)
        predicted = np.stack([self.total - self.selected, self.selected], axis=-1)
        return hits, predicted, np.array([negatives, self.positives])

    def recall(self) -> Array:
        """Share of the positives at or above each cut."""
        return self.hits / self.positives

    def precision(self) -> Array:
        """Share of positives among the rows at or above each cut; 0 where there are none."""
        return self.hits / np.maximum(self.selected, 1.0)


def pick(cuts: Cuts, values: Array, then: Array | None = None) -> float:
    """Cut of the highest value; of equals that of the highest second value, then the nearest to 0.5."""
    best = np.flatnonzero(values >= values.max() - _TIE)
    if then is not None:
        best = best[then[best] >= then[best].max() - _TIE]
    candidates = cuts.values[best]
    return float(candidates[np.abs(candidates - 0.5).argmin()])


def all_cuts(scores: Array, positive: NDArray[np.bool_]) -> Cuts:
    """Every cut of the scores, from one sort.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        At least one.
    positive : ndarray of bool, shape (n_samples,)
        Which rows are of the positive class.
    """
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    found = np.cumsum(positive[order])[ends]
    upper, lower = ranked[ends[:-1]], ranked[ends[:-1] + 1]
    counted = np.array([[np.sum(~positive)], [np.sum(positive)]])
    return _cuts(float(scores.min()), float(scores.max()), upper, lower, found[:-1], ends[:-1] + 1, counted)


def promising_cuts(scores: Array, positive: NDArray[np.bool_], value: Value) -> Cuts:
    """The cuts among which the best by ``value`` is, with all its equals, without sorting all scores.

    The scores are counted in buckets, and only the buckets are sorted in which a cut can be as good as the best of
    those between buckets. ``value`` has to rise when more positives, or fewer negatives, are at or above the cut.
    """
    if scores.min() < 0:
        return all_cuts(scores, positive)
    counted = tally(scores, positive)
    candidates = _candidates(counted, value)
    keys = collect(scores, positive, candidates.wanted)
    return _cuts(float(scores.min()), float(scores.max()), *candidates.cuts(keys), counted)


def _candidates(counted: NDArray[Any], value: Value) -> Candidates:
    negatives, positives = (float(count) for count in counted.sum(axis=1))

    def valued(hits: NDArray[Any], selected: NDArray[Any]) -> Array:
        return value(Cuts(_NO_VALUES, hits.astype(float), selected.astype(float), positives, positives + negatives))

    return Candidates.of(counted, valued)


def _cuts(
    lowest: float,
    highest: float,
    upper: Array,
    lower: Array,
    hits: NDArray[Any],
    selected: NDArray[Any],
    counted: NDArray[Any],
) -> Cuts:
    middle = (upper + lower) / 2
    # The midpoint of two neighbouring floats is one of them; the lower one would let its rows in.
    middle = np.where(middle > lower, middle, upper)
    negatives, positives = (float(count) for count in counted.sum(axis=1))
    return Cuts(
        values=np.concatenate([[_none_value(highest)], middle, [_all_value(lowest)]]),
        hits=np.concatenate([[0.0], hits, [positives]]),
        selected=np.concatenate([[0.0], selected, [positives + negatives]]),
        positives=positives,
        total=positives + negatives,
    )


def _none_value(highest: float) -> float:
    """Cut above every score: one half where that will do, else midway to 1, else just above the highest."""
    if highest < 0.5:
        return 0.5
    middle = (highest + 1.0) / 2
    return middle if middle > highest else float(np.nextafter(highest, np.inf))


def _all_value(lowest: float) -> float:
    """Cut at or below every score: one half where that will do, else midway to 0."""
    return 0.5 if lowest >= 0.5 else min(lowest, lowest / 2)


@dataclass(frozen=True, kw_only=True)
class FittedCuts(FittedDecision):
    """A cut for the positive class, or one for each label: positive where the score is at least the cut.

    Parameters
    ----------
    cuts : tuple of float
        One, or one per label.
    form : {"scores", "columns", "labels"}
        What it is for: (n_samples,), (n_samples, 2) or (n_samples, n_labels).
    positive : int
        Code of the class that is cut, for the first two forms.
    """

    cuts: tuple[float, ...]
    form: str
    positive: int = 1
    state_name: ClassVar[str] = "threshold.v1"

    def predict(self, proba: Array) -> Codes:
        """Class codes 0 and 1; per label for multi-label."""
        proba = check_proba(proba)
        shapes = {"scores": (), "columns": (2,), "labels": (len(self.cuts),)}
        if proba.shape[1:] != shapes[self.form]:
            wanted = ", ".join(["n_samples", *map(str, shapes[self.form])])
            raise UsageError(f"this rule is for probabilities of shape ({wanted}), got {proba.shape}")
        if self.form == "labels":
            return (proba >= np.array(self.cuts)).astype(np.int64)
        scores = proba if self.form == "scores" else proba[:, self.positive]
        return np.where(scores >= self.cuts[0], self.positive, 1 - self.positive).astype(np.int64)

    def params(self) -> dict[str, Any]:
        """Cuts, form and positive class."""
        return {"cuts": list(self.cuts), "form": self.form, "positive": self.positive}

    @classmethod
    def from_params(cls, params: Mapping[str, Any], notes: tuple[str, ...]) -> FittedCuts:
        """Rule from its state."""
        cuts = tuple(float(cut) for cut in params["cuts"])
        return cls(cuts=cuts, form=str(params["form"]), positive=int(params["positive"]), notes=notes)


def fit_cuts(
    proba: Any, y: Any, positive: int | None, rule: str, choose: Choice, value: Value | None = None
) -> FittedCuts:
    """Cut chosen for the positive class, or for each label by itself.

    ``value`` is what ``choose`` ranks the cuts by, where it rises as :func:`promising_cuts` asks for; else None.

    Raises
    ------
    UsageError
        On more than two classes, or shapes that do not fit each other.
    """
    proba, y = check_proba(proba), np.asarray(y)
    positive = 1 if positive is None else positive
    if positive not in (0, 1):
        raise UsageError(f"{rule}: positive must be the code 0 or 1, not {positive!r}")
    if y.ndim == 2:
        return _fit_labels(proba, y, choose, value)
    if proba.ndim == 2 and proba.shape[1] != 2:
        raise UsageError(
            f"{rule} cuts the scores of one class, and proba has {proba.shape[1]} classes: use multipliers, "
            "or give y of shape (n_samples, n_labels) for multi-label"
        )
    known, y = _known(y, len(proba))
    codes = check_codes(y, len(y), 2)
    scores = proba if proba.ndim == 1 else proba[:, positive]
    scores = scores if known is None else scores[known]
    # One-dimensional scores are those of the positive class, whichever code it has.
    cut, note = _choose(scores, codes == positive, choose, value)
    form = "scores" if proba.ndim == 1 else "columns"
    return FittedCuts(cuts=(cut,), form=form, positive=positive, notes=(note,) if note else ())


def _fit_labels(proba: Array, y: NDArray[Any], choose: Choice, value: Value | None) -> FittedCuts:
    if y.shape != proba.shape:
        raise UsageError(f"multi-label y must have the shape of proba, got {y.shape} and {proba.shape}")
    unknown = np.isnan(y) if y.dtype.kind == "f" else np.zeros((1, 1), dtype=bool)
    given = _by_label(~unknown) if unknown.any() else [slice(None)] * y.shape[1]
    targets = y == 1
    if not (targets | (y == 0) | unknown).all():
        for label in range(y.shape[1]):
            column = y[:, label]
            column = column[~np.isnan(column)] if column.dtype.kind == "f" else column
            check_codes(column, len(column), 2)
    chosen = None
    if value is not None and len(y) >= _MANY and proba.flags.c_contiguous and compiled_pays(proba.size):
        kinds = np.where(unknown, np.uint8(2), targets) if unknown.any() else targets.view(np.uint8)
        chosen = _chosen_compiled(proba, kinds, choose, value)
    if chosen is None:
        columns = zip(_by_label(proba), _by_label(targets), given, strict=True)
        chosen = [_choose(scores[known], target[known], choose, value) for scores, target, known in columns]
    notes = tuple(f"label {label}: {note}" for label, (_, note) in enumerate(chosen) if note)
    return FittedCuts(cuts=tuple(cut for cut, _ in chosen), form="labels", notes=notes)


def _chosen_compiled(
    proba: Array, kinds: NDArray[np.uint8], choose: Choice, value: Value
) -> list[tuple[float, str]] | None:
    """What ``_choose`` says of each label; None where a score is below 0, if only by rounding."""
    from steelyard.decisions._tallies import HIGH, KEYS, LOW, collect_labels, tally_labels

    labels, bits = proba.shape[1], proba.view(np.int64)
    counted = np.zeros((labels, 3, BUCKETS), np.int32)
    if tally_labels(bits, kinds, counted) < 0:
        return None
    counted = counted[:, :2]
    candidates = [_candidates(own, value) if own.any(axis=1).all() else None for own in counted]
    asked, sizes = np.zeros((labels, BUCKETS), dtype=np.uint8), np.zeros(labels, np.int64)
    for label, found in enumerate(candidates):
        if found is not None:
            asked[label] = KEYS * found.wanted
            sizes[label] = counted[label][:, found.wanted].sum()
            filled = np.flatnonzero(counted[label].any(axis=0))
            asked[label, filled[0]] += LOW
            asked[label, filled[-1]] += HIGH
    ends = np.cumsum(sizes)
    keys, edges = np.empty(ends[-1], np.int64), np.tile(np.array([np.iinfo(np.int64).max, -1]), (labels, 1))
    collect_labels(bits, kinds, asked, edges, ends - sizes, keys)
    chosen = []
    for label, (found, own) in enumerate(zip(candidates, np.split(keys, ends[:-1]), strict=True)):
        if found is None:
            chosen.append((0.5, _nothing(*counted[label].sum(axis=1).tolist())))
        else:
            low, high = edges[label].view(np.float64)
            chosen.append(choose(_cuts(float(low), float(high), *found.cuts(own), counted[label])))
    return chosen


def _by_label(table: NDArray[Any]) -> NDArray[Any]:
    """Table turned on its side, by portions of rows that stay in the cache."""
    out = np.empty(table.shape[::-1], dtype=table.dtype)
    for start in range(0, len(table), 512):
        out[:, start : start + 512] = table[start : start + 512].T
    return out


def _known(y: NDArray[Any], n_samples: int) -> tuple[NDArray[np.bool_] | None, NDArray[Any]]:
    """Rows that are known (None for all), and their targets."""
    if y.shape != (n_samples,):
        raise UsageError(f"y must have shape ({n_samples},) like the probabilities, got {y.shape}")
    unknown = np.isnan(y) if y.dtype.kind == "f" else np.zeros(0, dtype=bool)
    return (~unknown, y[~unknown]) if unknown.any() else (None, y)


def _choose(scores: Array, positive: NDArray[np.bool_], choose: Choice, value: Value | None) -> tuple[float, str]:
    rows, positives = len(scores), int(np.count_nonzero(positive))
    if positives in (0, rows):
        return 0.5, _nothing(rows - positives, positives)
    if value is not None and rows >= _MANY:
        return choose(promising_cuts(np.ascontiguousarray(scores), positive, value))
    return choose(all_cuts(scores, positive))


def _nothing(negatives: int, positives: int) -> str:
    what = "known" if not negatives + positives else "positive" if not positives else "negative"
    return f"no {what} rows, so there is nothing to tune: the cut stays at 0.5"
