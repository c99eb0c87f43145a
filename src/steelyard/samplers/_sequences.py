"""Drawing whole sequences, by how often each is to come."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.samplers._base import Array, Codes, Sampling


@component
class SequenceSampling(Sampling):
    """A rule that says how often each sequence is seen; for rows without sequences, each is one of its own."""

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        return self.draw_sequences(codes, np.arange(len(codes)), n_classes, rng)

    def draw_sequences(self, codes: Codes, sequence: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Sequences to train on; see :meth:`Sampling.draw_sequences`.

        A sequence that is to come 2.3 times comes two or three times, and so do all those together that have the same
        rarest class.
        """
        rates = self.sequence_rates(codes, sequence, n_classes)
        # Neighbours share out what is left of a whole draw, so those of one rarest class stand together.
        order = rng.permutation(len(rates))
        order = order[np.argsort(_rarest(codes, sequence)[order], kind="stable")]
        ends = np.floor(np.cumsum(rates[order]) + rng.random()).astype(np.int64)
        return rng.permutation(np.repeat(order, np.diff(ends, prepend=0)))


def _rarest(codes: Codes, sequence: Codes) -> Codes:
    """Place of each sequence's rarest class among the classes, the rarest being 0; -1 without rows."""
    rank = np.argsort(np.argsort(np.bincount(codes), kind="stable"))
    found = np.full(int(sequence.max()) + 1, len(rank))
    np.minimum.at(found, sequence, rank[codes])
    return found


def held_by(codes: Codes, sequence: Codes, n_classes: int) -> tuple[Codes, Codes]:
    """Sequences and the classes that each holds, each pair once."""
    pairs = np.unique(sequence * n_classes + codes)
    return pairs // n_classes, pairs % n_classes


def geometric_means(values: Array, sequence: Codes) -> Array:
    """Geometric mean of the values of each sequence; 0 for one without any."""
    n_rows = np.bincount(sequence)
    sums = np.bincount(sequence, weights=np.log(values))
    return np.where(n_rows > 0, np.exp(sums / np.maximum(n_rows, 1)), 0.0)
