"""Sequences by the geometric mean of their rows' weights, in a strategy."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.samplers._base import Array, Codes
from steelyard.samplers._sequences import SequenceSampling, geometric_means
from steelyard.searched import Range, declared


@component
class SequenceWeighted(SequenceSampling):
    """As many draws as there are sequences, each in proportion to the geometric mean of its rows' weights.

    A row of a class with n rows weighs ``n ** -power``. The mean is the Nth root of the product of N weights, so long
    sequences are not punished. For models that do not see whole sequences, such as those of tables, each row is one.
    :class:`SequenceSampler` is the same for data loaders.

    Parameters
    ----------
    power : float, default 1
        From above 0, where all sequences come alike, to 2; 1 is the inverse of the rows of the class.

    Raises
    ------
    UsageError
        When the power is outside that range.

    Examples
    --------
    >>> tags, sentence = np.array([0] * 8 + [1, 0]), np.array([0] * 8 + [1, 1])
    >>> SequenceWeighted().sequence_rates(tags, sentence, 2)
    array([0.5, 1.5])
    """

    name = "sequence_weighted"
    ranges = declared(power=Range(0.25, 2))

    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.power <= 2:
            raise UsageError(f"sequence_weighted: power must be above 0 and at most 2, not {self.power}")

    def sequence_rates(self, codes: Codes, sequence: Codes, n_classes: int) -> Array:
        """Expected draws of each sequence; see :meth:`Sampling.sequence_rates`."""
        counts = np.bincount(codes, minlength=n_classes)
        means = geometric_means(counts[codes].astype(np.float64) ** -self.power, sequence)
        scaled: Array = means * np.count_nonzero(means) / means.sum()
        return scaled

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class, where each row is a sequence."""
        weights = np.maximum(counts, 1) ** -self.power
        return np.where(counts > 0, weights * counts.sum() / (weights * counts).sum(), 1.0)
