"""Many networks trained side by side as stacked matrices in PyTorch: what a GPU is good at.

The steps are those of :mod:`steelyard.models._network`, on the same rows in the same order and with the same units
dropped. A step costs about the same for one network as for a hundred small ones, so all that have the same shape
take it together, each at its own place in its own training; one that has stopped leaves the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor

from steelyard.models._device import NoRoomError
from steelyard.models._engines import Rows
from steelyard.models._network import Floats, Network
from steelyard.models._network_fit import NetworkFit
from steelyard.models._stacked_loss import StackedLoss
from steelyard.models._stacked_network import StackedNetwork
from steelyard.models._stacked_rows import Batches, DeviceRows, DropoutMasks
from steelyard.models._training import Pass, Watched, passes

#: Bytes that one stack may take; a fixed number, so that what is free at the moment changes no result.
ROOM = 2**31
#: Rows that are watched at a time.
WATCHED = 1024


def train_stacked(fits: Sequence[NetworkFit], device: str) -> list[Network]:
    """Networks of fits whose loss has a form in numbers, each that of its best pass; see ``passes``.

    Raises
    ------
    NoRoomError
        When the rows do not fit into the memory of the device.
    """
    found: dict[int, Network] = {}
    with torch.inference_mode(), _full_precision():
        for places in stacks(fits):
            try:
                trained = _train([fits[place] for place in places], torch.device(device))
            except torch.OutOfMemoryError as error:
                raise NoRoomError(f"{device} has no room ({str(error).splitlines()[0]})") from None
            found.update(zip(places, trained, strict=True))
    return [found[place] for place in range(len(fits))]


def stacks(fits: Sequence[NetworkFit], room: int = ROOM) -> list[list[int]]:
    """Places of fits that are trained together: those of one shape, as many as there is room for."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, fit in enumerate(fits):
        alike.setdefault(_shape(fit), []).append(place)
    found = []
    for places in alike.values():
        most = max(1, room // max(_room(fits[place]) for place in places))
        found += [part.tolist() for part in np.array_split(places, -(-len(places) // most))]
    return found


def _shape(fit: NetworkFit) -> tuple[object, ...]:
    """What networks of one stack have in common."""
    options = fit.options
    sizes = tuple(weight.shape for weight in fit.network.weights)
    shared = (options.learning_rate, options.weight_decay, options.dropout, options.batch_size)
    return sizes, fit.samples.several, fit.split.weight.shape[1], shared


def _room(fit: NetworkFit) -> int:
    """Bytes that a fit takes on the device, its rows aside."""
    parameters = sum(part.size for part in fit.network.parameters())
    batch = max(fit.options.batch_size, min(WATCHED, len(fit.split.watch)))
    units = fit.samples.X.shape[1] + 8 * sum(len(bias) for bias in fit.network.biases)
    weights, order = 2 * fit.split.weight.size, 8 * len(fit.split.train)
    return 4 * int(8 * parameters + 2 * batch * units + weights + order)


def _train(begun: Sequence[NetworkFit], device: torch.device) -> list[Network]:
    stack = Stack(begun, device)
    courses = [
        passes(partial(stack.values, fit), each.task, each.samples, each.split, each.schedule, each.rng)
        for fit, each in enumerate(begun)
    ]
    asked = {fit: next(course) for fit, course in enumerate(courses)}
    best: dict[int, Tensor] = {}
    while asked:
        # The longest pass first: then those that still have a batch are the first ones in every step.
        stack.arrange(sorted(asked, key=lambda fit: (-len(asked[fit].order), fit)))
        together = [asked.pop(fit) for fit in stack.fits]
        stack.learn(together)
        for fit, seen in zip(stack.fits, stack.watch(together), strict=True):
            try:
                asked[fit] = courses[fit].send(seen)
            except StopIteration as end:
                best[fit] = end.value
    return [stack.networks.network(best[fit], each.network.cosine_scale) for fit, each in enumerate(begun)]


class Stack:
    """Networks of one shape in training; ``fits`` are the numbers of those that still are, in the stack's order."""

    def __init__(self, begun: Sequence[NetworkFit], device: torch.device) -> None:
        self.begun, self.device, self.fits = begun, device, list(range(len(begun)))
        first = begun[0]
        self.networks = StackedNetwork([each.network for each in begun], device)
        losses = [loss for each in begun if (loss := each.fused) is not None]
        self.loss = StackedLoss(losses, first.samples.several, device)
        self.rows = DeviceRows([each.samples for each in begun], [each.split.weight for each in begun], device)
        self.watched = _Watched([each.split.watch for each in begun], first.split.weight.shape[1], device)
        self.options, self.units = first.options, [len(bias) for bias in first.network.biases[:-1]]
        self.dropout = DropoutMasks(self.options.dropout, self.options.batch_size, self.units, device)
        self.steps = np.zeros(len(begun), dtype=np.int64)

    def values(self, fit: int) -> Tensor:
        """Parameters of a network as they are now."""
        return self.networks.values(self.fits.index(fit))

    def arrange(self, fits: list[int]) -> None:
        """Keep these fits, in this order."""
        if fits != self.fits:
            places = torch.tensor([self.fits.index(fit) for fit in fits], device=self.device)
            self.networks.take(places)
            self.loss.take(places)
            self.fits = fits

    def learn(self, asked: Sequence[Pass]) -> None:
        """One pass of each network over its rows, the longest first."""
        for fit, each in zip(self.fits, asked, strict=True):
            self.rows.weigh(fit, each.weight)
        options = [self.begun[fit].options for fit in self.fits]
        batches = Batches.of(asked, options, self.steps[self.fits], len(self.units), self.device)
        starts = self.rows.starts(self.fits)
        for step, alive in enumerate(batches.alive):
            self._step(batches, step, starts[:, :alive])
        self.steps[self.fits] += [-(-len(each.order) // self.options.batch_size) for each in asked]

    def watch(self, asked: Sequence[Pass]) -> list[Watched]:
        """Loss, and scores where they are asked for, of the rows that each network is judged by."""
        watched = self.watched
        for fit, each in zip(self.fits, asked, strict=True):
            watched.weigh(fit, each.judged)
        fits = torch.tensor(self.fits, device=self.device)
        rows, weight = watched.rows.index_select(0, fits), watched.weight.index_select(0, fits)
        starts = self.rows.starts(self.fits)
        scored = [place for place, each in enumerate(asked) if each.scored and rows.shape[1]]
        total, parts = torch.zeros(len(fits), dtype=torch.float64, device=self.device), []
        for start in range(0, rows.shape[1], WATCHED):
            part = rows[:, start : start + WATCHED]
            scores = self.networks.scores(_at(self.rows.X, part + starts[0]))
            targets = _at(self.rows.targets, part + starts[1])
            loss = self.loss.loss(scores, targets, weight[:, start : start + WATCHED])
            total += loss.double().sum((1, 2))
            parts.append(scores[scored].cpu() if scored else scores[:0])
        found = torch.cat(parts, 1).numpy() if scored else None
        values = total.tolist()
        seen: list[Watched] = []
        for place, fit in enumerate(self.fits):
            own: Floats | None = None
            if found is not None and place in scored:
                own = found[scored.index(place), : watched.lengths[fit]]
            seen.append((values[place], own) if watched.lengths[fit] else None)
        return seen

    def _step(self, batches: Batches, step: int, starts: Tensor) -> None:
        alive, rows = starts.shape[1], self.rows
        taken, share = batches.rows[step, :alive], batches.share[step, :alive, :, None]
        x = _at(rows.X, taken + starts[0])
        parts = [(taken, share)]
        if batches.mixed is not None:
            lam, partner = batches.mixed[step, :alive, :, None], batches.partner[step, :alive]
            x = lam * x + (1 - lam) * _at(rows.X, partner + starts[0])
            parts = [(taken, share * lam), (partner, share - share * lam)]

        def slope(scores: Tensor) -> Tensor:
            found = [
                self.loss.slope(
                    scores, _at(rows.targets, part + starts[1]), _at(rows.weight, part + starts[2]) * counts
                )
                for part, counts in parts
            ]
            whole = found[0] if len(found) == 1 else found[0] + found[1]
            # Of several labels each counts its part of the mean.
            return whole / scores.shape[2] if self.loss.several else whole

        masks = self.dropout(batches.salts[step, :alive]) if self.options.dropout else None
        gradient = self.networks.gradient(x, slope, masks)
        decay = 1 - self.options.learning_rate * self.options.weight_decay
        self.networks.step(gradient, decay, batches.spread[step, :alive], batches.least[step, :alive])


class _Watched:
    """Rows that networks are judged by, filled up to the same number with rows of weight 0."""

    def __init__(self, rows: Sequence[Rows], width: int, device: torch.device) -> None:
        self.own, self.lengths, self.device = rows, [len(each) for each in rows], device
        filled = np.zeros((len(rows), max(self.lengths)), dtype=np.int64)
        for fit, each in enumerate(rows):
            filled[fit, : len(each)] = each
        self.rows = torch.from_numpy(filled).to(device)
        self.weight = torch.zeros((*filled.shape, width), dtype=torch.float32, device=device)
        self._held: list[Floats | None] = [None] * len(rows)

    def weigh(self, fit: int, judged: Floats) -> None:
        """Weights of all rows of a fit to judge by from now on."""
        if self._held[fit] is not judged:
            self.weight[fit, : self.lengths[fit]] = torch.from_numpy(judged[self.own[fit]]).to(self.device)
            self._held[fit] = judged


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Rows (m, n, width) of values (n_rows, width) at places (m, n)."""
    return values.index_select(0, places.reshape(-1)).view(*places.shape, values.shape[1])


@contextmanager
def _full_precision() -> Iterator[None]:
    """Products of float32 as such: not of the 10 bits that TF32 leaves of them."""
    matmul = torch.backends.cuda.matmul
    name, full = ("fp32_precision", "ieee") if hasattr(matmul, "fp32_precision") else ("allow_tf32", False)
    before = getattr(matmul, name)
    setattr(matmul, name, full)
    try:
        yield
    finally:
        setattr(matmul, name, before)
