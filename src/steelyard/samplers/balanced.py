"""Class-balanced sampling: every class is seen equally often."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.samplers._base import Array, Codes, Sampling, draw_sizes, shared_out


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

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        present = (np.bincount(codes, minlength=n_classes) > 0).astype(np.float64)
        return draw_sizes(codes, shared_out(len(codes), present, rng), rng)

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class."""
        share = counts.sum() / np.count_nonzero(counts)
        return np.where(counts > 0, share / np.maximum(counts, 1), 1.0)
