"""Two engines that train one network, with the same steps: compiled code, and NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steelyard.losses import FusedLoss, Loss
from steelyard.models._network import AdamW, Floats, Network, dropout_masks

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Rows in the form that networks are trained on.

    Parameters
    ----------
    X : ndarray of float32, shape (n_rows, n_columns)
    targets : ndarray of float32, shape (n_rows, 1) or (n_rows, n_classes)
        Codes; or, with several labels, 1, 0 and NaN.
    n_classes : int
    several : bool
        Whether a row may have several labels.
    """

    X: Floats
    targets: Floats
    n_classes: int
    several: bool


@dataclass(frozen=True)
class Options:
    """How a network is trained."""

    learning_rate: float
    weight_decay: float
    dropout: float
    batch_size: int
    key: int


class Engine(Protocol):
    """Trains one network on one set of rows."""

    def learn(self, order: Rows, mixed: Floats, weight: Floats) -> None:
        """One pass over rows in this order; ``mixed`` is empty or each row's share in a mixture with the next one."""

    def watch(self, rows: Rows, weight: Floats) -> tuple[float, Floats]:
        """Weighted sum of the loss over rows, and their scores (n_rows, n_classes)."""

    def network(self) -> Network:
        """Network as it is now, in memory of its own."""


class NumpyEngine:
    """Training in NumPy: every loss, and no compilation to wait for."""

    def __init__(self, network: Network, samples: Samples, loss: Loss, priors: Array, options: Options) -> None:
        self.current, self.samples, self.options = network.copy(), samples, options
        self.optimiser = AdamW(self.current.parameters(), options.learning_rate, options.weight_decay)
        self.bound: Any = loss.bind_multilabel(priors) if samples.several else loss.bind(priors)

    def learn(self, order: Rows, mixed: Floats, weight: Floats) -> None:
        """One pass over rows in this order; see :class:`Engine`."""
        size, X = self.options.batch_size, self.samples.X
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            share = mixed[start : start + size, None] if len(mixed) else np.ones((1, 1), dtype=np.float32)
            partner = np.roll(rows, -1)
            x = share * X[rows] + (1 - share) * X[partner] if len(mixed) else X[rows]
            slope = partial(
                self._slope, parts=[(rows, share), (partner, 1 - share)][: 1 + bool(len(mixed))], weight=weight
            )
            self.optimiser.step(self.current.gradient(x, slope, self._masks(len(rows))))

    def watch(self, rows: Rows, weight: Floats) -> tuple[float, Floats]:
        """Loss and scores of rows; see :class:`Engine`."""
        scores = self.current.scores(self.samples.X[rows])
        loss, _ = self._loss(scores.astype(np.float64), rows)
        return float((loss * weight[rows]).sum()), scores

    def network(self) -> Network:
        """Network as it is now."""
        return self.current.copy()

    def _loss(self, scores: Array, rows: Rows) -> tuple[Array, Array]:
        targets = self.samples.targets[rows].astype(np.float64)
        loss, slope = self.bound(scores, targets if self.samples.several else targets[:, 0].astype(np.int64))
        return loss if self.samples.several else loss[:, None], slope

    def _slope(self, scores: Array, parts: list[tuple[Rows, Floats]], weight: Floats) -> Array:
        total = np.zeros_like(scores)
        for rows, share in parts:
            total += self._loss(scores, rows)[1] * weight[rows] * share
        return total / (scores.size if self.samples.several else len(scores))

    def _masks(self, n_rows: int) -> list[Floats] | None:
        options = self.options
        if not options.dropout:
            return None
        units = [len(bias) for bias in self.current.biases[:-1]]
        return dropout_masks(options.key, self.optimiser.steps, n_rows, units, options.dropout)


class CompiledEngine:
    """Training in compiled code, for a loss that can be said in numbers."""

    def __init__(self, network: Network, samples: Samples, loss: FusedLoss, options: Options) -> None:
        kernels = _kernels()
        assert kernels is not None
        self.run, self.samples, self.like = kernels.run, samples, network
        self.shape = np.array([*(len(w) for w in network.weights), network.weights[-1].shape[1]])
        self.state = np.zeros((4, sum(pack_sizes(self.shape, kernels.LANES))), dtype=np.float32)
        self.lanes, self.steps = kernels.LANES, 0
        for packed, own in zip(self._parts(), network.parameters(), strict=True):
            packed[...] = own
        cosines = network.cosine_scale is not None
        self.loss = np.array([loss.scale, loss.gamma, loss.gamma_neg, loss.clip, loss.smoothing, cosines], np.float32)
        self.vectors = np.array([loss.offset, loss.margin], dtype=np.float32)
        self.options = np.array([options.learning_rate, options.weight_decay, options.dropout, options.batch_size])
        self.key, self.none, self.no_scores = (
            np.uint64(options.key),
            np.empty(0, np.float32),
            np.empty((0, 0), np.float32),
        )

    def learn(self, order: Rows, mixed: Floats, weight: Floats) -> None:
        """One pass over rows in this order; see :class:`Engine`."""
        self._pass(order, mixed, weight, self.steps, self.no_scores)
        self.steps += -(-len(order) // int(self.options[3]))

    def watch(self, rows: Rows, weight: Floats) -> tuple[float, Floats]:
        """Loss and scores of rows; see :class:`Engine`."""
        scores = np.empty((len(rows), self.samples.n_classes), dtype=np.float32)
        return self._pass(rows, self.none, weight, -1, scores), scores

    def network(self) -> Network:
        """Network as it is now."""
        parts = [part.copy() for part in self._parts()]
        return Network(parts[::2], parts[1::2], self.like.cosine_scale)

    def _pass(self, rows: Rows, mixed: Floats, weight: Floats, step: int, out: Floats) -> float:
        samples = self.samples
        value: float = self.run(
            samples.X, samples.targets, weight, rows, mixed, self.shape, self.state, self.loss, self.vectors,
            self.options, self.key, step, out, True if samples.several else None,
        )  # fmt: skip
        return value

    def _parts(self) -> list[Floats]:
        """Views of the packed parameters, in the form and order of ``Network.parameters``."""
        parts, start, width = [], 0, int(self.shape[0])
        sizes = pack_sizes(self.shape, self.lanes)
        values = self.state[0]
        for layer, units in enumerate(self.shape[1:-1]):
            weights = values[start : start + sizes[2 * layer]].reshape(width, -1)
            start += sizes[2 * layer]
            parts += [weights[: len(self.like.weights[layer]), :units], values[start : start + units]]
            start += sizes[2 * layer + 1]
            width = sizes[2 * layer + 1]
        last = values[start : start + sizes[-2]].reshape(-1, width)
        start += sizes[-2]
        return [*parts, last[:, : self.shape[-2]].T, values[start : start + self.shape[-1]]]


def pack_sizes(shape: NDArray[np.int64], lanes: int) -> list[int]:
    """Numbers that the weights and biases of each layer take up when widths are rounded up to whole vectors.

    Examples
    --------
    >>> pack_sizes(np.array([20, 50, 3]), lanes=8)
    [1120, 56, 168, 8]
    """
    sizes, width = [], int(shape[0])
    for units in shape[1:-1]:
        padded = -(-int(units) // lanes) * lanes
        sizes += [width * padded, padded]
        width = padded
    return [*sizes, int(shape[-1]) * width, -(-int(shape[-1]) // lanes) * lanes]


@cache
def _kernels() -> ModuleType | None:
    try:
        from steelyard.models import _kernels as kernels
    except ImportError:
        return None
    return kernels


def engine_for(network: Network, samples: Samples, loss: Loss, priors: Array, options: Options) -> Engine:
    """Engine that trains this network: NumPy for small work and for a loss without numbers, else compiled code.

    It is chosen by the fit alone, not by whether compiled code lies ready, so that one seed has one result.
    """
    fused = loss.fused_multilabel(priors) if samples.several else loss.fused(priors)
    n_weights = sum(weight.size for weight in network.weights)
    if fused is None or not is_large(len(samples.X), n_weights) or _kernels() is None:
        return NumpyEngine(network, samples, loss, priors, options)
    return CompiledEngine(network, samples, fused, options)


#: Multiplications of one pass over the rows under which compiled code is not waited for.
SMALL = 1_000_000


def is_large(n_rows: int, n_weights: int) -> bool:
    """Whether one pass over the rows is so much work that compiled code is waited for."""
    return n_rows * n_weights >= SMALL


def warm_up(several: bool) -> None:
    """Compile the training, or load it from Numba's cache: a step of the smallest network there is."""
    if _kernels() is not None:
        samples = Samples(np.zeros((1, 1), np.float32), np.zeros((1, 1 + several), np.float32), 2, several)
        network, loss = Network.initial((1, 1, 2), np.random.default_rng(0)), FusedLoss.of(2)
        engine = CompiledEngine(network, samples, loss, Options(0.0, 0.0, 0.0, 1, 0))
        engine.learn(np.zeros(1, np.int64), np.empty(0, np.float32), np.ones((1, 1 + several), np.float32))
