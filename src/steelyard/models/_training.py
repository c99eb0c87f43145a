"""How a network is trained: held-out rows, passes, early stopping, weights that come late or follow the recall."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.losses.schedules import ValidationDriven
from steelyard.models._base import FitTask
from steelyard.models._engines import Engine, Rows, Samples
from steelyard.models._network import Floats, Network

#: A class keeps all its rows for training when it has fewer than this many.
FEWEST_HELD_OUT = 10


@dataclass(frozen=True)
class Split:
    """Rows to train on, rows to watch, and what each row, or each of its labels, weighs.

    Parameters
    ----------
    train, watch : ndarray of int64
    weight : ndarray of float32, shape (n_rows, 1) or (n_rows, n_classes)
    rates : ndarray of float32, shape (n_rows, 1)
        How often each row is drawn: what is watched is not drawn, so it is weighed by how often it would be.
    sequence : ndarray of int64, shape (n_rows,), optional
        Sequence that each row is in, for a model that learns from whole sequences: these are drawn then.
    """

    train: Rows
    watch: Rows
    weight: Floats
    rates: Floats
    sequence: Rows | None = None

    @classmethod
    def of(cls, task: FitTask, samples: Samples, rng: np.random.Generator) -> Split:
        """Split of a task: a tenth of each class that has ten rows or more is watched."""
        if samples.several:
            if task.sampling.raises_rare:
                raise UsageError(f"{task.sampling.name} draws rows of one label each; these rows may have several")
            held, rates = held_out_multilabel(samples.targets, rng), np.ones(len(samples.X))
        else:
            codes = samples.targets[:, 0].astype(np.int64)
            held, rates = held_out(codes, rng), task.sampling.rates(np.bincount(codes))[codes]
        weight = np.ascontiguousarray(task.sample_weight.reshape(len(held), -1), dtype=np.float32)
        return cls(np.flatnonzero(~held), np.flatnonzero(held), weight, rates.astype(np.float32)[:, None])

    def priors(self, samples: Samples) -> NDArray[np.float64]:
        """Shares of the classes among the rows to train on; of a label, among those where it is known."""
        targets = samples.targets[self.train]
        if not samples.several:
            return np.bincount(targets[:, 0].astype(np.int64), minlength=samples.n_classes) / len(targets)
        known = ~np.isnan(targets)
        shares: NDArray[np.float64] = np.where(known, targets, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return shares


@dataclass(frozen=True)
class Schedule:
    """How long to train, and when."""

    epochs: int
    patience: int


@dataclass(frozen=True)
class Pass:
    """What one pass over the rows sees, and by what its result is judged.

    Parameters
    ----------
    order : ndarray of int64, shape (n_drawn,)
        Rows, or sequences where these are drawn.
    mixed : ndarray of float32, shape (n_drawn,) or (0,)
        As in :meth:`Engine.learn`.
    weight, judged : ndarray of float32, shape (n_rows, 1) or (n_rows, n_classes)
        Weights to learn with, and to judge the watched rows with.
    scored : bool
        Whether the scores of the watched rows are asked for.
    """

    order: Rows
    mixed: Floats
    weight: Floats
    judged: Floats
    scored: bool


#: Weighted loss of the watched rows after a pass, and their scores where they were asked for; None without such rows.
Watched = tuple[float, Floats | None] | None
Kept = TypeVar("Kept")


def train(
    engine: Engine, task: FitTask, samples: Samples, split: Split, schedule: Schedule, rng: np.random.Generator
) -> Network:
    """Network of the pass with the lowest weighted loss on the rows that are watched."""

    def learn(asked: Pass) -> None:
        engine.learn(asked.order, asked.mixed, asked.weight)

    asking = passes(engine.network, task, samples, split, schedule, rng)
    return run_passes(asking, learn, lambda asked: engine.watch(split.watch, asked.judged), split)


def run_passes(
    asking: Generator[Pass, Watched, Kept],
    learn: Callable[[Pass], None],
    watch: Callable[[Pass], Watched],
    split: Split,
) -> Kept:
    """What :func:`passes` kept, once every pass that it asked for was learned and judged, where rows are watched."""
    seen: Watched = None
    while True:
        try:
            asked = asking.send(seen)
        except StopIteration as end:
            kept: Kept = end.value
            return kept
        learn(asked)
        seen = watch(asked) if len(split.watch) else None


def passes(
    keep: Callable[[], Kept], task: FitTask, samples: Samples, split: Split, schedule: Schedule,
    rng: np.random.Generator,
) -> Generator[Pass, Watched, Kept]:  # fmt: skip
    """Passes of a training, one asked for when the last is judged; returns what ``keep`` gave after the best of them.

    So the same rules hold for a network that is trained alone and for many that are trained side by side.

    Deferred weights make two stages. The first, without weights, ends when it no longer gains or when its share of the
    passes is over; the second goes on from there, with them, and is judged by itself.
    """
    if not task.deferred:
        return (yield from _stage(keep, task, samples, split, split.weight, schedule, rng))
    late = max(1, round(schedule.epochs * (1 - task.deferred)))
    early = Schedule(max(1, schedule.epochs - late), schedule.patience)
    yield from _stage(keep, task, samples, split, np.ones_like(split.weight), early, rng)
    return (yield from _stage(keep, task, samples, split, split.weight, Schedule(late, schedule.patience), rng))


def _stage(
    keep: Callable[[], Kept], task: FitTask, samples: Samples, split: Split, weight: Floats, schedule: Schedule,
    rng: np.random.Generator,
) -> Generator[Pass, Watched, Kept]:  # fmt: skip
    follow = _Following.of(task, samples, split)
    judged = weight * split.rates if follow is None else follow.even
    lowest, best, waited = np.inf, keep(), 0
    for _ in range(schedule.epochs):
        order, mixed = _order(task, samples, split, rng), _mixed(task, split, rng)
        seen = yield Pass(order, mixed, weight, judged, follow is not None)
        if seen is None:
            best = keep()
            continue
        value, scores = seen
        waited += 1
        if value < lowest:
            lowest, best, waited = value, keep(), 0
        if waited >= schedule.patience:
            break
        if follow is not None and scores is not None:
            weight = follow.weight(scores)
    return best


def _order(task: FitTask, samples: Samples, split: Split, rng: np.random.Generator) -> Rows:
    if samples.several:
        return rng.permutation(split.train)
    codes = samples.targets[split.train, 0].astype(np.int64)
    if split.sequence is not None:
        return task.sampling.draw_sequences(codes, split.sequence[split.train], samples.n_classes, rng)
    drawn: Rows = rng.permutation(split.train[task.sampling.draw(codes, samples.n_classes, rng)])
    return drawn


def _mixed(task: FitTask, split: Split, rng: np.random.Generator) -> Floats:
    alpha = task.sampling.mixing
    return rng.beta(alpha, alpha, size=len(split.train)).astype(np.float32) if alpha else np.empty(0, np.float32)


class _Following:
    """Class weights that follow the recall on the rows that are watched."""

    def __init__(self, rule: ValidationDriven, samples: Samples, split: Split) -> None:
        self.rule, self.samples, self.split = rule, samples, split
        self.codes = samples.targets[:, 0].astype(np.int64)
        self.counts = np.bincount(self.codes[split.watch], minlength=samples.n_classes)
        # The weights move, so they cannot be what passes are compared by: every class counts the same.
        self.even = (1.0 / np.maximum(self.counts, 1)[self.codes]).astype(np.float32)[:, None]

    @classmethod
    def of(cls, task: FitTask, samples: Samples, split: Split) -> _Following | None:
        if task.following is None:
            return None
        if samples.several:
            raise UsageError("validation_driven follows the recall of classes; these rows may have several labels")
        rate, limit = task.following
        return cls(ValidationDriven(np.ones(samples.n_classes), rate=rate, limit=limit), samples, split)

    def weight(self, scores: Floats) -> Floats:
        """Weights (n_rows, 1) after a look at the scores of the watched rows."""
        codes = self.codes[self.split.watch]
        right = np.bincount(codes[scores.argmax(axis=1) == codes], minlength=self.samples.n_classes)
        recall = np.where(self.counts > 0, right / np.maximum(self.counts, 1), np.nan)
        factors = self.rule.update(recall)
        weight: Floats = self.split.weight * factors[self.codes].astype(np.float32)[:, None]
        return weight


def held_out(codes: NDArray[np.int64], rng: np.random.Generator, share: float = 0.1) -> NDArray[np.bool_]:
    """Rows for early stopping: a tenth of each class that has ten rows or more."""
    held = np.zeros(len(codes), dtype=bool)
    for code, count in enumerate(np.bincount(codes)):
        if count >= FEWEST_HELD_OUT:
            held[rng.permutation(np.flatnonzero(codes == code))[: max(1, round(share * count))]] = True
    return held


def held_out_multilabel(targets: Floats, rng: np.random.Generator, share: float = 0.1) -> NDArray[np.bool_]:
    """Rows for early stopping: a tenth of those that have no label which holds for fewer than ten rows."""
    holds = targets == 1
    rare = holds.sum(axis=0) < FEWEST_HELD_OUT
    free = np.flatnonzero(~holds[:, rare].any(axis=1))
    held = np.zeros(len(targets), dtype=bool)
    held[rng.permutation(free)[: round(share * len(free))]] = True
    return held


def batch_size(n_rows: int) -> int:
    """Rows of a batch: about 30 steps an epoch on small tables, 256 rows at most.

    Examples
    --------
    >>> batch_size(200), batch_size(3000), batch_size(1_000_000)
    (32, 128, 256)
    """
    return int(np.clip(2 ** np.ceil(np.log2(max(n_rows, 1) / 30)), 32, 256))
