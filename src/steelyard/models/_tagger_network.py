"""Vectors of words' features, a window of them, one hidden layer: its scores, gradients and steps, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.models._network import AdamW, Floats, Slope

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Tokens of some sentences, with edges around each sentence, and the windows that are looked at.

    Parameters
    ----------
    features : ndarray of int64
        Features that some token has, each once.
    held, starts : ndarray of int64
        Places in ``features`` of the features of all tokens, and where those of each begin, the end included:
        (n_tokens + 1,).
    near : ndarray of int64, shape (n_rows, window)
        Tokens in the window of each row.
    """

    features: Ids
    held: Ids
    starts: Ids
    near: Ids

    @classmethod
    def of(cls, features: Ids, starts: Ids, near: Ids) -> Windows:
        """Windows from the features of all tokens, one token after the other."""
        return cls(*np.unique(features, return_inverse=True), starts, near)

    def bags(self, dtype: Any) -> Any:
        """Ones where a token (a row) has a feature (a column)."""
        from scipy.sparse import csr_array

        shape = (len(self.starts) - 1, len(self.features))
        return csr_array((np.ones(len(self.held), dtype=dtype), self.held, self.starts), shape=shape)


@dataclass
class TaggerNetwork:
    """What a tagger learns.

    Parameters
    ----------
    table : ndarray of shape (n_features, size)
        Vector of each feature; a token's is the sum over its features.
    weights : list of ndarray, shapes (window * size, hidden) and (hidden, n_classes)
    biases : list of ndarray, shapes (hidden,) and (n_classes,)
    """

    table: Floats
    weights: list[Floats]
    biases: list[Floats]

    @classmethod
    def initial(
        cls, n_features: int, size: int, window: int, hidden: int, n_classes: int, rng: np.random.Generator
    ) -> TaggerNetwork:
        """Layers uniform in plus or minus 1 / sqrt(fan_in), as PyTorch starts them; small normal vectors."""
        table = (rng.standard_normal((n_features, size), dtype=np.float32) * np.float32(0.1)).astype(np.float32)
        weights, biases = [], []
        for fan_in, fan_out in ((window * size, hidden), (hidden, n_classes)):
            bound = 1.0 / np.sqrt(fan_in)
            weights.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32))
            biases.append(rng.uniform(-bound, bound, fan_out).astype(np.float32))
        return cls(table, weights, biases)

    def copy(self) -> TaggerNetwork:
        """Network of the same values in memory of its own."""
        return TaggerNetwork(self.table.copy(), [w.copy() for w in self.weights], [b.copy() for b in self.biases])

    def moved_towards(self, other: TaggerNetwork, share: float) -> None:
        """Take a share of another network in, in place."""
        for own, part in zip((self.table, *self.parameters()), (other.table, *other.parameters()), strict=True):
            own += share * (part - own)

    def parameters(self) -> list[Floats]:
        """All but the table, layer by layer."""
        return [part for layer in zip(self.weights, self.biases, strict=True) for part in layer]

    def scores(self, seen: Windows) -> Floats:
        """Logits (n_rows, n_classes), without dropout."""
        return self._hidden(self._window(seen, seen.bags(self.table.dtype))) @ self.weights[1] + self.biases[1]

    def gradient(self, seen: Windows, slope: Slope, mask: Floats | None = None) -> tuple[Ids, Floats, list[Floats]]:
        """Gradient of what is minimised.

        Parameters
        ----------
        seen : Windows
        slope : callable
            Gradient of what is minimised by the scores (n_rows, n_classes).
        mask : ndarray of shape (n_rows, hidden), optional
            Dropout: 0, or 1 / (1 - dropout).

        Returns
        -------
        rows : ndarray of int64
            Rows of the table that have any.
        table : ndarray of shape (n_of_those, size)
        layers : list of ndarray
            In the order of :meth:`parameters`.
        """
        bags = seen.bags(self.table.dtype)
        window = self._window(seen, bags)
        hidden = self._hidden(window)
        if mask is not None:
            hidden = hidden * mask
        back = slope((hidden @ self.weights[1] + self.biases[1]).astype(np.float64)).astype(hidden.dtype)
        layers = [hidden.T @ back, back.sum(axis=0)]
        back = (back @ self.weights[1].T) * (hidden > 0)
        if mask is not None:
            back *= mask
        layers = [window.T @ back, back.sum(axis=0), *layers]
        apart = (back @ self.weights[0].T).reshape(*seen.near.shape, -1)
        by_token = np.zeros((len(seen.starts) - 1, self.table.shape[1]), dtype=hidden.dtype)
        for place in range(seen.near.shape[1]):
            # A token stands at one place of one window only, so nothing is added twice.
            by_token[seen.near[:, place]] += apart[:, place]
        return seen.features, bags.T @ by_token, layers

    def _window(self, seen: Windows, bags: Any) -> Floats:
        tokens = bags @ self.table[seen.features]
        window: Floats = tokens[seen.near].reshape(len(seen.near), -1)
        return window

    def _hidden(self, window: Floats) -> Floats:
        return np.maximum(window @ self.weights[0] + self.biases[0], 0)


class Steps:
    """Adagrad for the vectors that a step has seen, AdamW for the layers.

    With Adagrad (Duchi, Hazan and Singer 2011) what was not seen does not move, so nothing is left out by looking at
    the seen rows alone; and the vectors of rare words take longer steps.
    """

    def __init__(self, network: TaggerNetwork, learning_rate: float, weight_decay: float, table_rate: float) -> None:
        self.network, self.table_rate = network, table_rate
        self.layers = AdamW(network.parameters(), learning_rate, weight_decay)
        self.squares = np.zeros_like(network.table)

    def step(self, rows: Ids, table: Floats, layers: list[Floats]) -> None:
        """Move the network in place."""
        self.layers.step(layers)
        squares = self.squares[rows] + table * table
        self.squares[rows] = squares
        self.network.table[rows] -= np.float32(self.table_rate) * table / (np.sqrt(squares) + np.float32(1e-10))
