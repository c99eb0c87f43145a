"""What a sampling is to the engine."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, component


@component
class Sampling(Component):
    """A rule that says which training rows a model sees, and how often."""

    kind: ClassVar[str] = "sampling"

    def draw(self, codes: NDArray[np.int64], n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Positions of the rows to train on, repeats included.

        Parameters
        ----------
        codes : ndarray of shape (n_rows,)
            Class of each training row, from 0 to ``n_classes - 1``.
        n_classes : int
            Number of classes, absent ones included.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of int64
            Positions in ``codes``.
        """
        raise NotImplementedError

    def rates(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected draws per row of each class: what the sampling weighs the classes by.

        Parameters
        ----------
        counts : ndarray of shape (n_classes,)
            Training rows of each class.

        Returns
        -------
        ndarray of float64, shape (n_classes,)
            1 for a class without rows.
        """
        raise NotImplementedError
