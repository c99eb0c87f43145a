"""A small fully connected network with its gradients and optimiser, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from steelyard.losses import BoundLoss

#: float32 in training; tests also run it in float64.
Floats = NDArray[np.floating]


@dataclass
class Network:
    """Weights (fan_in, fan_out) and biases (fan_out,) of each layer; ReLU between layers."""

    weights: list[Floats]
    biases: list[Floats]

    @classmethod
    def initial(cls, sizes: Sequence[int], rng: np.random.Generator) -> Network:
        """Uniform in plus or minus 1 / sqrt(fan_in), as PyTorch's ``nn.Linear`` starts."""
        weights, biases = [], []
        for fan_in, fan_out in pairwise(sizes):
            bound = 1.0 / np.sqrt(max(fan_in, 1))
            weights.append(rng.uniform(-bound, bound, size=(fan_in, fan_out)).astype(np.float32))
            biases.append(rng.uniform(-bound, bound, size=fan_out).astype(np.float32))
        return cls(weights, biases)

    def copy(self) -> Network:
        """Network of the same values in memory of its own."""
        return Network([w.copy() for w in self.weights], [b.copy() for b in self.biases])

    def parameters(self) -> list[Floats]:
        """All weights and biases, layer by layer."""
        return [part for layer in zip(self.weights, self.biases, strict=True) for part in layer]

    def logits(self, X: Floats) -> Floats:
        """Scores (n_rows, n_classes) without dropout."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            X = np.maximum(X @ weight + bias, 0)
        out: Floats = X @ self.weights[-1] + self.biases[-1]
        return out

    def gradient(
        self,
        X: Floats,
        codes: NDArray[np.int64],
        sample_weight: Floats,
        loss: BoundLoss,
        masks: Sequence[Floats] | None = None,
    ) -> list[Floats]:
        """Gradient of the weighted mean loss of a batch, in the order of ``parameters``.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        codes, sample_weight : ndarray of shape (n_rows,)
        loss : callable
            A bound loss.
        masks : sequence of ndarray of shape (n_rows, n_hidden), optional
            Dropout of each hidden layer: 0, or 1 / (1 - dropout).
        """
        inputs = [X]
        for layer, (weight, bias) in enumerate(zip(self.weights[:-1], self.biases[:-1], strict=True)):
            hidden = np.maximum(inputs[-1] @ weight + bias, 0)
            inputs.append(hidden * masks[layer] if masks is not None else hidden)
        logits = inputs[-1] @ self.weights[-1] + self.biases[-1]
        _, by_logits = loss(logits.astype(np.float64), codes)
        back = (by_logits * (sample_weight / len(codes))[:, None]).astype(X.dtype)
        found: list[Floats] = []
        for layer in range(len(self.weights) - 1, -1, -1):
            found = [inputs[layer].T @ back, back.sum(axis=0), *found]
            if layer:
                back = back @ self.weights[layer].T
                # A dropped or negative unit has input 0, and passes nothing back.
                back *= inputs[layer] > 0
                if masks is not None:
                    back *= masks[layer - 1]
        return found


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
