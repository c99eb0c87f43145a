"""A small neural network: one or two hidden layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses import BoundLoss
from steelyard.models._base import Array, FitTask, FittedModel, Model, ModelState, spread
from steelyard.models._network import AdamW, Floats, Network
from steelyard.samplers import Sampling

#: A class keeps all its rows for training when it has fewer than this many.
FEWEST_HELD_OUT = 10


@component
class Mlp(Model):
    """Multi-layer perceptron: ReLU, dropout, AdamW, early stopping on held-out training rows.

    The rows for early stopping are taken from each class in proportion, out of the training rows only; classes of
    under ten rows give none. The epoch with the lowest weighted loss on them is kept.

    Parameters
    ----------
    hidden : int or sequence of int, default 64
        Units of each hidden layer; one or two layers.
    dropout : float, default 0
        Share of hidden units that are dropped at each step, from 0 to below 1.
    weight_decay : float, default 0.01
        Decoupled decay of AdamW, at least 0.
    learning_rate : float, default 0.002
    epochs : int, default 100
        Largest number of passes over the rows.
    patience : int, default 10
        Passes without a lower held-out loss after which training stops.

    Raises
    ------
    UsageError
        When a parameter is outside its range.
    """

    name = "mlp"
    shown = ("hidden",)
    any_loss: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    hidden: int | Sequence[int] = 64
    dropout: float = 0.0
    weight_decay: float = 0.01
    learning_rate: float = 0.002
    epochs: int = 100
    patience: int = 10

    def __post_init__(self) -> None:
        layers = tuple(self.hidden) if isinstance(self.hidden, Sequence) else (self.hidden,)
        if not 1 <= len(layers) <= 2 or not all(units >= 1 and units == int(units) for units in layers):
            raise UsageError(f"mlp: hidden must be one or two positive whole numbers, not {self.hidden!r}")
        object.__setattr__(self, "hidden", layers[0] if len(layers) == 1 else layers)
        if not 0 <= self.dropout < 1:
            raise UsageError(f"mlp: dropout must be from 0 to below 1, not {self.dropout}")
        if not self.weight_decay >= 0 or not self.learning_rate > 0:
            raise UsageError(
                "mlp: weight_decay must be at least 0 and learning_rate above 0, "
                f"not {self.weight_decay} and {self.learning_rate}"
            )
        for key in ("epochs", "patience"):
            if not isinstance(getattr(self, key), int) or getattr(self, key) < 1:
                raise UsageError(f"mlp: {key} must be a positive whole number, not {getattr(self, key)!r}")

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return (self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden)

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        present, codes = np.unique(task.codes, return_inverse=True)
        rng = np.random.default_rng(task.seed)
        held = _held_out(codes, rng)
        rows = _Rows(task.X.astype(np.float32), codes, task.sample_weight.astype(np.float32), task.sampling)
        loss = task.loss.bind(np.bincount(codes[~held]) / (~held).sum())
        network = Network.initial((task.X.shape[1], *self.layers, len(present)), rng)
        best = self._train(network, rows, held, loss, rng)
        return FittedMlp(best, present, task.n_classes)

    def _train(
        self, network: Network, rows: _Rows, held: NDArray[np.bool_], loss: BoundLoss, rng: np.random.Generator
    ) -> Network:
        optimiser = AdamW(network.parameters(), self.learning_rate, self.weight_decay)
        train, watch = np.flatnonzero(~held), np.flatnonzero(held)
        size = batch_size(len(train))
        lowest, best, waited = np.inf, network, 0
        for _ in range(self.epochs):
            order = rng.permutation(rows.drawn(train, rng))
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                masks = self._masks(len(batch), rng)
                optimiser.step(network.gradient(rows.X[batch], rows.codes[batch], rows.weight[batch], loss, masks))
            if not len(watch):
                continue
            value = rows.mean_loss(network, watch, loss)
            waited += 1
            if value < lowest:
                lowest, best, waited = value, network.copy(), 0
            if waited >= self.patience:
                break
        return best

    def _masks(self, n_rows: int, rng: np.random.Generator) -> list[Floats] | None:
        if not self.dropout:
            return None
        keep = np.float32(1 - self.dropout)
        return [(rng.random((n_rows, units), dtype=np.float32) < keep) / keep for units in self.layers]

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        layers = range(int(state.meta["layers"]))
        network = Network([state.arrays[f"weight{i}"] for i in layers], [state.arrays[f"bias{i}"] for i in layers])
        return FittedMlp(network, state.arrays["present"], int(state.meta["n_classes"]))


@dataclass(frozen=True)
class _Rows:
    X: Floats
    codes: NDArray[np.int64]
    weight: Floats
    sampling: Sampling

    def drawn(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        return rows[self.sampling.draw(self.codes[rows], int(self.codes.max()) + 1, rng)]

    def mean_loss(self, network: Network, rows: NDArray[np.int64], loss: BoundLoss) -> float:
        values, _ = loss(network.logits(self.X[rows]).astype(np.float64), self.codes[rows])
        # What is trained on is drawn; what is watched is not, so it is weighed by how often it would be.
        rates = self.sampling.rates(np.bincount(self.codes))[self.codes[rows]]
        return float(np.average(values, weights=self.weight[rows] * rates))


def batch_size(n_rows: int) -> int:
    """Rows of a batch: about 30 steps an epoch on small tables, 256 rows at most.

    Examples
    --------
    >>> batch_size(200), batch_size(3000), batch_size(1_000_000)
    (32, 128, 256)
    """
    return int(np.clip(2 ** np.ceil(np.log2(max(n_rows, 1) / 30)), 32, 256))


def _held_out(codes: NDArray[np.int64], rng: np.random.Generator, share: float = 0.1) -> NDArray[np.bool_]:
    """Rows for early stopping: a tenth of each class that has ten rows or more."""
    held = np.zeros(len(codes), dtype=bool)
    for code, count in enumerate(np.bincount(codes)):
        if count >= FEWEST_HELD_OUT:
            held[rng.permutation(np.flatnonzero(codes == code))[: max(1, round(share * count))]] = True
    return held


@dataclass(frozen=True)
class FittedMlp:
    """A trained network over the classes that had training rows."""

    network: Network
    present: NDArray[np.int64]
    n_classes: int

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        logits = self.network.logits(X.astype(np.float32)).astype(np.float64)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        arrays: dict[str, NDArray[np.generic]] = {"present": self.present}
        for layer, (weight, bias) in enumerate(zip(self.network.weights, self.network.biases, strict=True)):
            arrays |= {f"weight{layer}": weight, f"bias{layer}": bias}
        return ModelState({"n_classes": self.n_classes, "layers": len(self.network.weights)}, arrays)
