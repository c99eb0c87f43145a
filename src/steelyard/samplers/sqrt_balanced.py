"""Square-root balanced sampling: halfway between the classes' own shares and equal ones."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.samplers._base import Array, Codes, Sampling, draw_sizes, shared_out


@component
class SqrtBalanced(Sampling):
    """As many draws as there are rows, shared in proportion to the square root of the class counts.

    Square-root sampling of Mahajan et al. 2018 (section 2.2). Within a class every row is drawn once before any
    is drawn again.

    Examples
    --------
    >>> codes = np.array([0] * 90 + [1] * 10)
    >>> np.bincount(codes[SqrtBalanced().draw(codes, 2, np.random.default_rng(0))]).tolist()
    [75, 25]
    """

    name = "sqrt_balanced"

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        shares = np.sqrt(np.bincount(codes, minlength=n_classes))
        return draw_sizes(codes, shared_out(len(codes), shares, rng), rng)

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class."""
        roots = np.sqrt(counts)
        share = counts.sum() / roots.sum()
        return np.where(counts > 0, share / np.maximum(roots, 1), 1.0)
