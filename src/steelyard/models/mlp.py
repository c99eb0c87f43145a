"""A small neural network: one or two hidden layers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import DataError, UsageError
from steelyard.models._base import Array, FitTask, FittedModel, Model, ModelState, spread
from steelyard.models._device import DEVICES, NoRoomError, give_up_cuda, require_cuda, sees_cuda
from steelyard.models._engines import Options, Samples, is_large, warm_up
from steelyard.models._network import Floats, Network
from steelyard.models._network_fit import Labels, NetworkFit
from steelyard.models._training import Schedule, Split, batch_size
from steelyard.searched import Choices, Range, declared

#: Multiplications of one pass of all fits under which two cores are done before PyTorch and its device are ready.
#: It is reckoned, not measured: `python benchmarks/engine.py --device cuda` shows where it lies.
WORTHWHILE = 1_000_000_000

_log = logging.getLogger("steelyard")


@component
class Mlp(Model):
    """Multi-layer perceptron: ReLU, dropout, AdamW, early stopping on held-out training rows.

    The rows for early stopping are taken from each class in proportion, out of the training rows only; classes of
    under ten rows give none. The epoch with the lowest weighted loss on them is kept. Deferred weights come when the
    training without them has stopped gaining, at the latest after their share of the epochs.

    Small fits are done in NumPy and others in compiled code, whatever stands beside them. On a CUDA GPU the fits of a
    study are trained side by side in PyTorch, with the same steps; results agree within the tolerance of float32.

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
    device : {"auto", "cpu", "cuda"}, default "auto"
        Where it is trained. With "auto" on a CUDA GPU where PyTorch sees one and there is enough to train, else on
        the processor. A trained network predicts on the processor.

    Raises
    ------
    UsageError
        When a parameter is outside its range.
    """

    name = "mlp"
    shown = ("hidden",)
    ranges = declared(
        hidden=Choices((32, 64, 128, 256)),
        dropout=Range(0, 0.5),
        weight_decay=Range(1e-4, 0.3, "log"),
        learning_rate=Range(5e-4, 0.02, "log"),
    )
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
    device: str = "auto"

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
        if self.device not in DEVICES:
            raise UsageError(f"mlp: device must be one of {', '.join(DEVICES)}, not {self.device!r}")

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return (self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden)

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        return self.fit_many([task])[0]

    def stack_device(self, n_fits: int, n_rows: int, n_columns: int) -> str | None:
        """Device on which so many fits are trained side by side, or None; see :meth:`Model.stack_device`."""
        if self.device == "cuda":
            require_cuda("mlp(device=cuda)")
            return "cuda"
        work = n_fits * n_rows * sum(left * right for left, right in pairwise((n_columns, *self.layers)))
        return "cuda" if self.device == "auto" and work >= WORTHWHILE and sees_cuda() else None

    def fit_many(self, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Train on tasks: each by itself while it is in the cache, or all side by side on a GPU."""
        rows = max((task.X.shape[0] for task in tasks), default=0)
        device = self.stack_device(len(tasks), rows, tasks[0].X.shape[1] if tasks else 0)
        if device is None:
            return list(self._fit_alone(tasks))
        try:
            return list(self._fit_stacked(tasks, device))
        except NoRoomError as error:
            if self.device == device:
                raise DataError(f"mlp(device={device}): {error}; give device=cpu, or leave it out") from None
            give_up_cuda()
            _log.warning("mlp: %s; training goes on on the processor", error)
            return list(self._fit_alone(tasks))

    def _fit_alone(self, tasks: Sequence[FitTask]) -> Iterator[FittedMlp]:
        matrices: dict[int, Floats] = {}
        for task in tasks:
            labels = Labels.of(task)
            yield self._fitted(task, labels, self._begin(task, labels, _single(task.X, matrices)).alone())

    def _fit_stacked(self, tasks: Sequence[FitTask], device: str) -> Iterator[FittedMlp]:
        from steelyard.models._stacked import train_stacked

        matrices: dict[int, Floats] = {}
        known: dict[int, Labels] = {}
        # Fits of the same rows share their labels too, so that these are on the device once.
        labels = [known.setdefault(id(task.codes), Labels.of(task)) for task in tasks]
        fits = [self._begin(task, own, _single(task.X, matrices)) for task, own in zip(tasks, labels, strict=True)]
        trained = iter(train_stacked([fit for fit in fits if fit.fused is not None], device))
        for task, own, fit in zip(tasks, labels, fits, strict=True):
            yield self._fitted(task, own, fit.alone() if fit.fused is None else next(trained))

    def _begin(self, task: FitTask, labels: Labels, X: Floats) -> NetworkFit:
        rng = np.random.default_rng(task.seed)
        samples = Samples(X, labels.targets, labels.n_outputs, task.multilabel)
        split = Split.of(task, samples, rng)
        network = Network.initial((X.shape[1], *self.layers, labels.n_outputs), rng, task.loss.cosine_scale)
        options = Options(
            self.learning_rate, self.weight_decay, self.dropout, batch_size(len(split.train)), int(rng.integers(2**63))
        )
        return NetworkFit(task, samples, split, network, options, Schedule(self.epochs, self.patience), rng)

    @staticmethod
    def _fitted(task: FitTask, labels: Labels, network: Network) -> FittedMlp:
        return FittedMlp(network, labels.present, task.n_classes, task.multilabel)

    def warm_up(self, n_rows: int, n_columns: int, n_classes: int, multilabel: bool) -> None:
        """Compile the training, or load it, where fits are large enough for it."""
        widths = (n_columns, *self.layers, n_classes)
        if is_large(n_rows, sum(a * b for a, b in pairwise(widths))):
            warm_up(multilabel)

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


def _single(X: Array, known: dict[int, Floats]) -> Floats:
    """Rows in float32, once for all fits that share them."""
    if id(X) not in known:
        known[id(X)] = np.ascontiguousarray(X, dtype=np.float32)
    return known[id(X)]
