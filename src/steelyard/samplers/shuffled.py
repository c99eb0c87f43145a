"""Every row once: the neutral sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.samplers._base import Sampling


@component
class Shuffled(Sampling):
    """Every training row once.

    Examples
    --------
    >>> Shuffled().draw(np.array([0, 0, 1]), 2, np.random.default_rng(0)).tolist()
    [0, 1, 2]
    """

    name = "shuffled"

    def draw(self, codes: NDArray[np.int64], n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions of the rows to train on; see :meth:`Sampling.draw`."""
        # A model that is fitted on all rows at once does not care for their order, so none is drawn.
        return np.arange(len(codes))

    def rates(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected draws per row of each class."""
        return np.ones(len(counts))
