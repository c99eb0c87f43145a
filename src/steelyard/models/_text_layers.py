"""Vectors of words, filters over runs of words, the largest answer of each: scores and gradients, in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.models._network import AdamW, Floats, Slope

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Some texts, as a step sees them.

    Parameters
    ----------
    bags : csr_array of shape (n_kinds, n_used)
        What each word of these texts is made of.
    used : ndarray of int64, shape (n_used,)
        Rows of the table that the columns stand for.
    places : ndarray of int64, shape (n_rows, length)
        Which word stands where; ``n_kinds`` where there is none.
    """

    bags: Any
    used: Ids
    places: Ids

    @classmethod
    def of(cls, bags: Any, words: Ids) -> Batch:
        """Batch of rows of words, padded with -1, from the bags of all words."""
        kinds, places = np.unique(words, return_inverse=True)
        n_none = int(len(kinds) > 0 and kinds[0] < 0)
        some = bags[kinds[n_none:]]
        used, columns = np.unique(some.indices, return_inverse=True)
        made = type(some)((some.data, columns, some.indptr), shape=(some.shape[0], len(used)))
        places = places.reshape(words.shape) - n_none
        return cls(made, used, np.where(places < 0, made.shape[0], places))


@dataclass(frozen=True)
class Masks:
    """Dropout of a step: 0, or the inverse of the share that is kept.

    Parameters
    ----------
    vectors : ndarray of shape (n_rows, 1, size)
        The same for all words of a text.
    hidden : ndarray of shape (n_rows, n_filters)
    """

    vectors: Floats
    hidden: Floats

    @classmethod
    def draw(
        cls, n_rows: int, size: int, n_filters: int, shares: tuple[float, float], rng: np.random.Generator
    ) -> Masks:
        """Masks that drop these shares of the numbers of the vectors and of the filters' answers."""

        def mask(shape: tuple[int, ...], share: float) -> Floats:
            return (rng.random(shape, dtype=np.float32) >= share) * np.float32(1 / (1 - share))

        return cls(mask((n_rows, 1, size), shares[0]), mask((n_rows, n_filters), shares[1]))


@dataclass
class TextLayers:
    """What a network over texts learns.

    Filters stand in groups of equal width, the widest first. ``filters[j]`` is what the word j places before the
    last of a run adds, to those groups that are wider than j.

    Parameters
    ----------
    table : ndarray of shape (n_keys, size)
        A word's vector is the weighted sum over what it is made of.
    filters : list of ndarray, shape (size, n_filters of the groups)
    bias : ndarray of shape (n_filters,)
    last : ndarray of shape (n_filters, n_outputs)
    last_bias : ndarray of shape (n_outputs,)
    """

    table: Floats
    filters: list[Floats]
    bias: Floats
    last: Floats
    last_bias: Floats

    @classmethod
    def initial(
        cls, n_keys: int, size: int, n_each: int, width: int, last_bias: Floats, rng: np.random.Generator
    ) -> TextLayers:
        """Small normal vectors, and layers uniform in plus or minus 1 / sqrt(fan_in) as PyTorch starts them."""

        def uniform(shape: tuple[int, ...], fan_in: int) -> Floats:
            bound = 1 / np.sqrt(fan_in)
            return rng.uniform(-bound, bound, shape).astype(np.float32)

        table = rng.standard_normal((n_keys, size), dtype=np.float32) * np.float32(0.1)
        filters = [uniform((size, n_each * (width - j)), size * width) for j in range(width)]
        n_filters = n_each * width
        last = uniform((n_filters, len(last_bias)), n_filters)
        return cls(table, filters, uniform((n_filters,), size * width), last, last_bias.astype(np.float32))

    def copy(self) -> TextLayers:
        """Layers of the same values in memory of their own."""
        rest = (part.copy() for part in (self.bias, self.last, self.last_bias))
        return TextLayers(self.table.copy(), [part.copy() for part in self.filters], *rest)

    def parameters(self) -> list[Floats]:
        """All but the table."""
        return [*self.filters, self.bias, self.last, self.last_bias]

    def scores(self, batch: Batch) -> Floats:
        """Scores (n_rows, n_outputs), without dropout."""
        answers = self._answers(self._vectors(batch))
        made: Floats = np.maximum(answers.max(axis=1), 0) @ self.last + self.last_bias
        return made

    def gradient(self, batch: Batch, slope: Slope, masks: Masks) -> tuple[Floats, list[Floats]]:
        """Gradient of what is minimised: by the used rows of the table, and by :meth:`parameters`.

        Parameters
        ----------
        batch : Batch
        slope : callable
            Gradient of what is minimised by the scores (n_rows, n_outputs).
        masks : Masks
        """
        vectors = self._vectors(batch) * masks.vectors
        answers = self._answers(vectors)
        where = answers.argmax(axis=1)[:, None, :]
        largest = np.take_along_axis(answers, where, axis=1)[:, 0]
        hidden = np.maximum(largest, 0) * masks.hidden
        back = slope((hidden @ self.last + self.last_bias).astype(np.float64)).astype(hidden.dtype)
        ends = [hidden.T @ back, back.sum(axis=0)]
        back = (back @ self.last.T) * masks.hidden * (largest > 0)
        by_answer = np.zeros_like(answers)
        np.put_along_axis(by_answer, where, back[:, None, :], axis=1)
        filters, by_vector = self._through(vectors, by_answer)
        table = batch.bags.T @ self._by_kind(by_vector * masks.vectors, batch)
        return table, [*filters, back.sum(axis=0), *ends]

    def _vectors(self, batch: Batch) -> Floats:
        """Vectors of the words (n_rows, length + width, size): nothing stands where there is no word.

        The last place of every row sees no word at all, so that what a row gives does not depend on longer ones.
        """
        kinds = np.zeros((batch.bags.shape[0] + 1, self.table.shape[1]), dtype=self.table.dtype)
        kinds[:-1] = batch.bags @ self.table[batch.used]
        after = np.full((len(batch.places), len(self.filters)), batch.bags.shape[0])
        made: Floats = kinds[np.concatenate([batch.places, after], axis=1)]
        return made

    def _answers(self, vectors: Floats) -> Floats:
        made: Floats = vectors @ self.filters[0] + self.bias
        for j, weight in enumerate(self.filters[1:], start=1):
            made[:, j:, : weight.shape[1]] += vectors[:, :-j] @ weight
        return made

    def _through(self, vectors: Floats, by_answer: Floats) -> tuple[list[Floats], Floats]:
        """Gradient by the filters and by the vectors from that by the answers."""
        filters: list[Floats] = []
        by_vector = np.zeros_like(vectors)
        for j, weight in enumerate(self.filters):
            seen = vectors[:, : vectors.shape[1] - j]
            due = np.ascontiguousarray(by_answer[:, j:, : weight.shape[1]])
            filters.append(seen.reshape(-1, seen.shape[2]).T @ due.reshape(-1, due.shape[2]))
            by_vector[:, : vectors.shape[1] - j] += due @ weight.T
        return filters, by_vector

    def _by_kind(self, by_vector: Floats, batch: Batch) -> Floats:
        from scipy.sparse import csr_array

        n_rows, length = batch.places.shape
        ones, n_kinds = np.ones(n_rows * length, dtype=by_vector.dtype), batch.bags.shape[0]
        stands = csr_array(
            (ones, batch.places.ravel(), np.arange(n_rows * length + 1)), shape=(n_rows * length, n_kinds + 1)
        )
        flat = by_vector[:, :length].reshape(n_rows * length, -1)
        made: Floats = (stands.T @ flat)[:-1]
        return made


class Steps:
    """Adam: for the rows of the table that a step has seen, and for all the rest.

    Of rows that a step has not seen neither the vectors nor the running means move, as with torch's ``SparseAdam``.
    """

    def __init__(self, layers: TextLayers, rate: Callable[[int], float]) -> None:
        self.layers, self.rate = layers, rate
        self.rest = AdamW(layers.parameters(), rate(0), 0.0)
        self.first, self.second = np.zeros_like(layers.table), np.zeros_like(layers.table)

    def step(self, used: Ids, table: Floats, rest: list[Floats]) -> None:
        """Move the layers in place."""
        self.rest.learning_rate = rate = self.rate(self.rest.steps)
        self.rest.step(rest)
        (b1, b2), n = self.rest.betas, self.rest.steps
        first, second = self.first[used], self.second[used]
        first += np.float32(1 - b1) * (table - first)
        second += np.float32(1 - b2) * (table * table - second)
        self.first[used], self.second[used] = first, second
        root = np.sqrt(second) / np.float32(np.sqrt(1 - b2**n)) + np.float32(self.rest.eps)
        self.layers.table[used] -= np.float32(rate / (1 - b1**n)) * first / root
