"""What later stages need to know of the rows a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingFacts:
    """Counts and weights of the training rows.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        Training rows of each class, before sampling.
    weights : ndarray of shape (n_classes,)
        What each class weighed in training, by weighting and by sampling together. Where rows may have several
        labels: what having the label weighed, against 1 for not having it.
    known : ndarray of shape (n_classes,), optional
        Only where rows may have several labels: training rows for which each label is known.
    """

    counts: NDArray[np.int64]
    weights: Array
    known: NDArray[np.int64] | None = None

    @property
    def priors(self) -> Array:
        """Class shares of the training rows; of several labels, those of the rows for which each is known."""
        whole = self.counts.sum() if self.known is None else np.maximum(self.known, 1)
        shares: Array = self.counts / whole
        return shares
