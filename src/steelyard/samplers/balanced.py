"""Class-balanced sampling: every class is seen equally often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.samplers._base import Sampling


@component
class Balanced(Sampling):
    """As many draws as there are rows, shared equally among the classes that have any.

    Within a class every row is drawn once before any is drawn again. Common classes are therefore thinned out
    and rare ones repeated, and the number of rows stays what it was.

    Examples
    --------
    >>> codes = np.array([0] * 8 + [1] * 2)
    >>> np.bincount(codes[Balanced().draw(codes, 2, np.random.default_rng(0))]).tolist()
    [5, 5]
    """

    name = "balanced"

    def draw(self, codes: NDArray[np.int64], n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        counts = np.bincount(codes, minlength=n_classes)
        present = np.flatnonzero(counts)
        share, extra = divmod(len(codes), len(present))
        # Which classes get the odd draws that do not divide evenly is random too.
        lucky = set(rng.permutation(present)[:extra].tolist())
        drawn = [_repeat_permuted(np.flatnonzero(codes == code), share + (int(code) in lucky), rng) for code in present]
        return np.sort(np.concatenate(drawn))

    def rates(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected draws per row of each class."""
        share = counts.sum() / np.count_nonzero(counts)
        return np.where(counts > 0, share / np.maximum(counts, 1), 1.0)


def _repeat_permuted(rows: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    whole, rest = divmod(size, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.permutation(rows)[:rest]])
