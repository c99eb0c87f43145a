"""Random undersampling: common classes are thinned out."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.samplers._base import Array, Codes, Sampling, draw_sizes
from steelyard.searched import Range, declared


@component
class Undersample(Sampling):
    """Rows of common classes are left out at random until the smallest has ``ratio`` times the rows of each.

    Parameters
    ----------
    ratio : float, default 1
        From above 0 to 1; at 0.1 a class keeps up to ten times the rows of the smallest.

    Raises
    ------
    UsageError
        When the ratio is outside that range.

    Examples
    --------
    >>> codes = np.array([0] * 90 + [1] * 10)
    >>> np.bincount(codes[Undersample(ratio=0.5).draw(codes, 2, np.random.default_rng(0))]).tolist()
    [20, 10]
    """

    name = "undersample"
    ranges = declared(ratio=Range(0.1, 1))

    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise UsageError(f"undersample: ratio must be above 0 and at most 1, not {self.ratio}")

    def sizes(self, counts: Codes) -> Codes:
        """Rows of each class after resampling."""
        most = np.floor(counts[counts > 0].min() / self.ratio).astype(np.int64)
        kept: Codes = np.minimum(counts, most)
        return kept

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        return draw_sizes(codes, self.sizes(np.bincount(codes, minlength=n_classes)), rng)

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class."""
        return np.where(counts > 0, self.sizes(counts) / np.maximum(counts, 1), 1.0)
