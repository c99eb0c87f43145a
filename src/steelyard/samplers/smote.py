"""SMOTE: rare classes are filled up with rows between neighbours."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from steelyard.component import component
from steelyard.errors import MissingExtraError, UsageError
from steelyard.samplers._base import Array, Codes, Sampling
from steelyard.samplers.oversample import Oversample
from steelyard.searched import Range, declared


@component
class Smote(Sampling):
    """Synthetic minority oversampling (Chawla et al. 2002), by imbalanced-learn.

    Each class is filled up to ``ratio`` times the rows of the largest. A class with at most ``k_neighbors`` rows
    takes the neighbours it has; a class with a single row, which has none, is repeated. It works on encoded rows:
    gaps are filled and categories are columns of 0 and 1.

    Parameters
    ----------
    k_neighbors : int, default 5
        Neighbours that a new row can lie between.
    ratio : float, default 1
        From above 0 to 1.

    Raises
    ------
    UsageError
        When a parameter is outside its range.
    MissingExtraError
        When imbalanced-learn is not installed.
    """

    name = "smote"
    ranges = declared(k_neighbors=Range(1, 15, whole=True), ratio=Range(0.1, 1))
    synthetic: ClassVar[bool] = True
    requires: ClassVar[tuple[str, str] | None] = ("imblearn", "resample")

    k_neighbors: int = 5
    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not self.k_neighbors >= 1 or self.k_neighbors != int(self.k_neighbors):
            raise UsageError(f"smote: k_neighbors must be a positive whole number, not {self.k_neighbors}")
        if not 0 < self.ratio <= 1:
            raise UsageError(f"smote: ratio must be above 0 and at most 1, not {self.ratio}")

    def resample(self, X: Array, codes: Codes, n_classes: int, rng: np.random.Generator) -> tuple[Array, Codes]:
        """Rows to train on, new ones last; see :meth:`Sampling.resample`."""
        try:
            from imblearn.over_sampling import SMOTE
        except ImportError:
            raise MissingExtraError("resample", "smote") from None
        counts = np.bincount(codes, minlength=n_classes)
        wanted = Oversample(self.ratio).sizes(counts)
        # imbalanced-learn takes one number of neighbours for all classes and raises where a class has no more rows.
        for code in np.flatnonzero(wanted > counts):
            neighbours = min(self.k_neighbors, int(counts[code]) - 1)
            if neighbours < 1:
                added = np.repeat(np.flatnonzero(codes == code), wanted[code] - counts[code])
                X, codes = np.vstack([X, X[added]]), np.append(codes, codes[added])
                continue
            sampler = SMOTE(
                sampling_strategy={int(code): int(wanted[code])},
                k_neighbors=neighbours,
                random_state=int(rng.integers(2**31)),
            )
            X, codes = sampler.fit_resample(X, codes)
        return X, codes.astype(np.int64)

    def rates(self, counts: Codes) -> Array:
        """Rows after resampling per row of each class."""
        return Oversample(self.ratio).rates(counts)
