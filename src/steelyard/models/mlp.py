"""A small neural network: one or two hidden layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.models._base import Array, FitTask, FittedModel, Model, ModelState, spread
from steelyard.models._engines import Options, Samples, engine_for
from steelyard.models._network import Network
from steelyard.models._training import Schedule, Split, batch_size, train


@component
class Mlp(Model):
    """Multi-layer perceptron: ReLU, dropout, AdamW, early stopping on held-out training rows.

    The rows for early stopping are taken from each class in proportion, out of the training rows only; classes of
    under ten rows give none. The epoch with the lowest weighted loss on them is kept. Deferred weights come when the
    training without them has stopped gaining, at the latest after their share of the epochs.

    Small fits are done in NumPy and others in compiled code, whatever stands beside them.

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
    cosines: ClassVar[bool] = True
    multilabel: ClassVar[bool] = True
    together: ClassVar[bool] = True
    threads: ClassVar[bool] = True

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
        return self.fit_many([task])[0]

    def fit_many(self, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Train on tasks that share one ``X``, each by itself: a network is trained whole while it is in the cache."""
        X = np.ascontiguousarray(tasks[0].X, dtype=np.float32)
        return [self._fit(task, X) for task in tasks]

    def _fit(self, task: FitTask, X: NDArray[np.float32]) -> FittedMlp:
        rng = np.random.default_rng(task.seed)
        if task.multilabel:
            present = np.flatnonzero((task.codes == 1).any(axis=0))
            targets, n_outputs = task.codes, task.codes.shape[1]
        else:
            present, codes = np.unique(task.codes, return_inverse=True)
            targets, n_outputs = codes[:, None], len(present)
        samples = Samples(X, np.ascontiguousarray(targets, dtype=np.float32), n_outputs, task.multilabel)
        split = Split.of(task, samples, rng)
        network = Network.initial((X.shape[1], *self.layers, n_outputs), rng, task.loss.cosine_scale)
        options = Options(
            self.learning_rate, self.weight_decay, self.dropout, batch_size(len(split.train)), int(rng.integers(2**63))
        )
        engine = engine_for(network, samples, task.loss, split.priors(samples), options)
        best = train(engine, task, samples, split, Schedule(self.epochs, self.patience), rng)
        return FittedMlp(best, present, task.n_classes, task.multilabel)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        meta, layers = state.meta, range(int(state.meta["layers"]))
        network = Network(
            [state.arrays[f"weight{i}"] for i in layers],
            [state.arrays[f"bias{i}"] for i in layers],
            meta.get("cosine_scale"),
        )
        return FittedMlp(network, state.arrays["present"], int(meta["n_classes"]), bool(meta.get("multilabel", False)))


@dataclass(frozen=True)
class FittedMlp:
    """A trained network over the classes that had training rows, or over all labels."""

    network: Network
    present: NDArray[np.int64]
    n_classes: int
    multilabel: bool = False

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes); with several labels, each for itself."""
        logits = self.network.logits(X.astype(np.float32)).astype(np.float64)
        if self.multilabel:
            small = np.exp(-np.abs(logits))
            proba = np.where(logits > 0, 1.0, small) / (1 + small)
            return spread(proba[:, self.present], self.present, self.n_classes)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        arrays: dict[str, NDArray[np.generic]] = {"present": self.present}
        for layer, (weight, bias) in enumerate(zip(self.network.weights, self.network.biases, strict=True)):
            arrays |= {f"weight{layer}": weight, f"bias{layer}": bias}
        meta: dict[str, Any] = {"n_classes": self.n_classes, "layers": len(self.network.weights)}
        if self.network.cosine_scale is not None:
            meta["cosine_scale"] = self.network.cosine_scale
        if self.multilabel:
            meta["multilabel"] = True
        return ModelState(meta, arrays)
