"""Every row once: the neutral sampling."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.samplers._base import Array, Codes, Sampling


@component
class Shuffled(Sampling):
    """Every training row once.

    Examples
    --------
    >>> Shuffled().draw(np.array([0, 0, 1]), 2, np.random.default_rng(0)).tolist()
    [0, 1, 2]
    """

    name = "shuffled"
    raises_rare: ClassVar[bool] = False

    def draw(self, codes: Codes, n_classes: int, rng: np.random.Generator) -> Codes:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        # A model that is fitted on all rows at once does not care for their order, so none is drawn.
        return np.arange(len(codes))

    def resample(self, X: Array, codes: Codes, n_classes: int, rng: np.random.Generator) -> tuple[Array, Codes]:
        """The rows as they are, not copied."""
        return X, codes

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class."""
        return np.ones(len(counts))
