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
from steelyard.errors import UsageError

# Metrics that differ by less are equal up to the order of summation.
_TIE = 1e-12
#: Rows from which counting in buckets is faster than sorting them all.
_MANY = 4096
#: Leading bits of 2^-32, and the number of buckets from there to 1, to which one is added.
_LOWEST = (1023 - 32) << 8
_BUCKETS = (1023 << 8) - _LOWEST + 1


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
    return _cuts(scores, upper, lower, found[:-1], ends[:-1] + 1, float(positive.sum()))


def promising_cuts(scores: Array, positive: NDArray[np.bool_], value: Value) -> Cuts:
    """The cuts among which the best by ``value`` is, with all its equals, without sorting all scores.

    The scores are counted in buckets. Within a bucket no cut is better than one that takes all its positives and none
    of its negatives, so only buckets in which that would be at least as good as the best of the cuts between buckets
    are sorted. ``value`` has to rise when more positives, or fewer negatives, are at or above the cut.
    """
    # Buckets by the leading bits of the numbers: 256 to each power of two, because scores of rare labels are small.
    bucket = scores.view(np.int64) >> 44
    bucket -= _LOWEST
    np.maximum(bucket, 0, out=bucket)
    rows_in, positives_in = np.bincount(bucket, minlength=_BUCKETS), np.bincount(bucket[positive], minlength=_BUCKETS)
    filled = np.flatnonzero(rows_in)[::-1]
    after, after_hits = np.cumsum(rows_in[filled]), np.cumsum(positives_in[filled])
    before, before_hits = after - rows_in[filled], after_hits - positives_in[filled]
    positives, total = float(after_hits[-1]), float(len(scores))

    def valued(hits: NDArray[Any], selected: NDArray[Any]) -> Array:
        there = Cuts(np.zeros(len(hits)), hits.astype(np.float64), selected.astype(np.float64), positives, total)
        return value(there)

    ends = valued(np.r_[0, after_hits], np.r_[0, after])
    kept = valued(after_hits, before - before_hits + after_hits) >= ends.max() - _TIE
    # A cut at the end of a bucket lies halfway to the next score, which is in the bucket that follows.
    kept[1:] |= kept[:-1].copy()
    wanted = np.full(_BUCKETS, -1)
    wanted[filled[kept]] = np.flatnonzero(kept)
    place = wanted[bucket]
    rows = np.flatnonzero(place >= 0)
    rows = rows[np.argsort(scores[rows])[::-1]]
    ranked, place = scores[rows], place[rows]
    first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
    sizes = np.diff(np.r_[first, len(rows)])
    running = np.r_[0, np.cumsum(positive[rows])]
    found = running[1:] + np.repeat(before_hits[place[first]] - running[first], sizes)
    selected = np.arange(1, len(rows) + 1) + np.repeat(before[place[first]] - first, sizes)
    # Neighbours here are neighbours among all scores, except across buckets that were left out.
    ends_here = np.flatnonzero((ranked[1:] != ranked[:-1]) & (selected[1:] == selected[:-1] + 1))
    return _cuts(scores, ranked[ends_here], ranked[ends_here + 1], found[ends_here], selected[ends_here], positives)


def _cuts(
    scores: Array, upper: Array, lower: Array, hits: NDArray[Any], selected: NDArray[Any], positives: float
) -> Cuts:
    middle = (upper + lower) / 2
    # The midpoint of two neighbouring floats is one of them; the lower one would let its rows in.
    middle = np.where(middle > lower, middle, upper)
    total = float(len(scores))
    return Cuts(
        values=np.r_[_none_value(float(scores.max())), middle, _all_value(float(scores.min()))],
        hits=np.r_[0.0, hits, positives],
        selected=np.r_[0.0, selected, total],
        positives=positives,
        total=total,
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
    cuts, notes = [], []
    for label, (scores, target, known) in enumerate(zip(_by_label(proba), _by_label(targets), given, strict=True)):
        cut, note = _choose(scores[known], target[known], choose, value)
        cuts.append(cut)
        if note:
            notes.append(f"label {label}: {note}")
    return FittedCuts(cuts=tuple(cuts), form="labels", notes=tuple(notes))


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
    rows = len(scores)
    if rows == 0 or positive.all() or not positive.any():
        what = "no known rows" if rows == 0 else "no positive rows" if not positive.any() else "no negative rows"
        return 0.5, f"{what}, so there is nothing to tune: the cut stays at 0.5"
    if value is not None and rows >= _MANY:
        return choose(promising_cuts(np.ascontiguousarray(scores), positive, value))
    return choose(all_cuts(scores, positive))
