"""A small fully connected network with its gradients and optimiser, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: float32 in training; tests also run it in float64.
Floats = NDArray[np.floating]
#: Scores (n_rows, n_classes), float64 -> gradient of what is minimised by them.
Slope = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SHORTEST = 1e-12


@dataclass
class Network:
    """Weights (fan_in, fan_out) and biases (fan_out,) of each layer; ReLU between layers.

    With a ``cosine_scale`` the scores are cosines between the last hidden layer and the weights of each class, and
    the logits are these times the scale; the last bias is not used.
    """

    weights: list[Floats]
    biases: list[Floats]
    cosine_scale: float | None = None

    @classmethod
    def initial(cls, sizes: Sequence[int], rng: np.random.Generator, cosine_scale: float | None = None) -> Network:
        """Uniform in plus or minus 1 / sqrt(fan_in), as PyTorch's ``nn.Linear`` starts."""
        weights, biases = [], []
        for fan_in, fan_out in pairwise(sizes):
            bound = 1.0 / np.sqrt(max(fan_in, 1))
            weights.append(rng.uniform(-bound, bound, size=(fan_in, fan_out)).astype(np.float32))
            biases.append(rng.uniform(-bound, bound, size=fan_out).astype(np.float32))
        if cosine_scale is not None:
            biases[-1][:] = 0
        return cls(weights, biases, cosine_scale)

    def copy(self) -> Network:
        """Network of the same values in memory of its own."""
        return Network([w.copy() for w in self.weights], [b.copy() for b in self.biases], self.cosine_scale)

    def parameters(self) -> list[Floats]:
        """All weights and biases, layer by layer."""
        return [part for layer in zip(self.weights, self.biases, strict=True) for part in layer]

    def scores(self, X: Floats) -> Floats:
        """What a loss takes (n_rows, n_classes): logits, or cosines; without dropout."""
        return self._last(self._hidden(X, None)[-1])[0]

    def logits(self, X: Floats) -> Floats:
        """Logits (n_rows, n_classes) without dropout."""
        scores = self.scores(X)
        return scores if self.cosine_scale is None else scores * scores.dtype.type(self.cosine_scale)

    def gradient(self, X: Floats, slope: Slope, masks: Sequence[Floats] | None = None) -> list[Floats]:
        """Gradient by all parameters, in the order of ``parameters``.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        slope : callable
            Gradient of what is minimised by the scores (n_rows, n_classes).
        masks : sequence of ndarray of shape (n_rows, n_hidden), optional
            Dropout of each hidden layer: 0, or 1 / (1 - dropout).
        """
        inputs = self._hidden(X, masks)
        scores, rows, columns = self._last(inputs[-1])
        back = slope(scores.astype(np.float64)).astype(X.dtype)
        due = back * scores
        back = back / rows / columns
        weight = self.weights[-1]
        found = [inputs[-1].T @ back, back.sum(axis=0)]
        back = back @ weight.T
        if self.cosine_scale is not None:
            # A vector made longer changes no cosine: what points along it is taken away.
            found = [found[0] - weight * (due.sum(axis=0) / columns**2), np.zeros_like(found[1])]
            back -= inputs[-1] * (due.sum(axis=1, keepdims=True) / rows**2)
        for layer in range(len(self.weights) - 2, -1, -1):
            # A dropped or negative unit has given 0, and passes nothing back.
            back = back * (inputs[layer + 1] > 0)
            if masks is not None:
                back *= masks[layer]
            found = [inputs[layer].T @ back, back.sum(axis=0), *found]
            if layer:
                back = back @ self.weights[layer].T
        return found

    def _hidden(self, X: Floats, masks: Sequence[Floats] | None) -> list[Floats]:
        inputs = [X]
        for layer, (weight, bias) in enumerate(zip(self.weights[:-1], self.biases[:-1], strict=True)):
            hidden = np.maximum(inputs[-1] @ weight + bias, 0)
            inputs.append(hidden * masks[layer] if masks is not None else hidden)
        return inputs

    def _last(self, hidden: Floats) -> tuple[Floats, Floats, Floats]:
        """Scores, and the lengths (n_rows, 1) and (n_classes,) that they were divided by."""
        weight, one = self.weights[-1], np.ones(1, dtype=hidden.dtype)
        if self.cosine_scale is None:
            return hidden @ weight + self.biases[-1], one, one
        rows = np.maximum(np.sqrt((hidden**2).sum(axis=1, keepdims=True)), _SHORTEST)
        columns = np.maximum(np.sqrt((weight**2).sum(axis=0)), _SHORTEST)
        return hidden @ weight / rows / columns, rows, columns


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), as ``torch.optim.AdamW`` steps."""

    def __init__(
        self,
        parameters: list[Floats],
        learning_rate: float,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters = parameters
        self.learning_rate, self.weight_decay, self.betas, self.eps = learning_rate, weight_decay, betas, eps
        self.first = [np.zeros_like(p) for p in parameters]
        self.second = [np.zeros_like(p) for p in parameters]
        self.steps = 0

    def step(self, gradients: list[Floats]) -> None:
        """Move the parameters in place."""
        self.steps += 1
        b1, b2 = self.betas
        step_size = self.learning_rate / (1 - b1**self.steps)
        root = np.sqrt(1 - b2**self.steps)
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second, strict=True):
            p *= 1 - self.learning_rate * self.weight_decay
            m += (1 - b1) * (g - m)
            v += (1 - b2) * (g * g - v)
            p -= step_size * m / (np.sqrt(v) / root + self.eps)


def dropout_masks(key: int, step: int, n_rows: int, layers: Sequence[int], dropout: float) -> list[Floats]:
    """Masks of a step, of shape (n_rows, units) for each hidden layer: 0, or 1 / (1 - dropout).

    Each number is a function of key, step, layer, row and unit, so that every engine drops the same units.
    """
    drawn = mixed_bits(key + GOLDEN * (step + 1))
    masks = []
    for layer, units in enumerate(layers):
        salt = mixed_bits(drawn + GOLDEN * (layer + 1)) >> 32
        x: Any = np.arange(n_rows, dtype=np.uint32)[:, None] << 16
        x = x + np.uint32(salt) + np.arange(units, dtype=np.uint32)
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        kept = (x ^ (x >> 16)) >= np.uint32(int(dropout * 2**32))
        masks.append(kept * np.float32(1 / (1 - dropout)))
    return masks


GOLDEN = 0x9E3779B97F4A7C15


def mixed_bits(z: Any) -> Any:
    """Random 64 bits from a counter, an int or an array of uint64: the output function of SplitMix64."""
    mask = 2**64 - 1
    z = z & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)
