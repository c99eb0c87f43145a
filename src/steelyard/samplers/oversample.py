"""Random oversampling: rare classes are repeated, nothing is left out."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.samplers._base import Array, Codes, Sampling, draw_sizes
from steelyard.searched import Range, declared


@component
class Oversample(Sampling):
    """Rows of rare classes are repeated until each class has ``ratio`` times the rows of the largest.

    Every row is kept, and every row of a class comes equally often, up to one.

    Parameters
    ----------
    ratio : float, default 1
        From above 0 to 1; classes that have more rows already keep theirs.

    Raises
    ------
    UsageError
        When the ratio is outside that range.

    Examples
    --------
    >>> X, y = Oversample().fit_resample(np.arange(5).reshape(-1, 1), ["a", "a", "a", "b", "a"])
    >>> sorted(y.tolist())
    ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b']
    """

    name = "oversample"
    ranges = declared(ratio=Range(0.1, 1))

    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise UsageError(f"oversample: ratio must be above 0 and at most 1, not {self.ratio}")

    def sizes(self, counts: Codes) -> Codes:
        """Rows of each class after resampling; an absent class stays absent."""
        wanted = np.ceil(self.ratio * counts.max()).astype(np.int64)
        return np.where(counts > 0, np.maximum(counts, wanted), 0)

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        return draw_sizes(codes, self.sizes(np.bincount(codes, minlength=n_classes)), rng)

    def rates(self, counts: Codes) -> Array:
        """Draws per row of each class."""
        return np.where(counts > 0, self.sizes(counts) / np.maximum(counts, 1), 1.0)
