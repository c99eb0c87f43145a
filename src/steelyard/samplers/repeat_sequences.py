"""Sequences with rare classes several times in a pass (LVIS), in a strategy."""

from __future__ import annotations

import numpy as np

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.samplers._base import Array, Codes
from steelyard.samplers._sequences import SequenceSampling, held_by
from steelyard.searched import Range, declared


@component
class RepeatFactor(SequenceSampling):
    """Every sequence at least once a pass, those with a rare class more often.

    A class in the share f of the sequences has the repeat factor max(1, sqrt(threshold / f)), and a sequence the
    largest of its classes. For models that do not see whole sequences, such as those of tables, each row is one.
    :class:`RepeatFactorSampler` is the same for data loaders.

    Parameters
    ----------
    threshold : float, default 0.1
        Classes in a smaller share of the sequences are repeated; above 0, at most 1.

    Raises
    ------
    UsageError
        When the threshold is outside that range.

    References
    ----------
    Gupta, Dollar, Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation", CVPR 2019, appendix B.2.

    Examples
    --------
    >>> tags, sentence = np.array([0, 0, 1, 0, 0]), np.array([0, 1, 1, 2, 3])
    >>> RepeatFactor(threshold=1.0).sequence_rates(tags, sentence, 2)
    array([1., 2., 1., 1.])
    """

    name = "repeat_factor"
    ranges = declared(threshold=Range(0.01, 1, "log"))

    threshold: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise UsageError(f"repeat_factor: threshold must be above 0 and at most 1, not {self.threshold}")

    def sequence_rates(self, codes: Codes, sequence: Codes, n_classes: int) -> Array:
        """Repeat factor of each sequence; see :meth:`Sampling.sequence_rates`."""
        sequences, classes = held_by(codes, sequence, n_classes)
        factors = self._factors(np.bincount(classes, minlength=n_classes), len(np.unique(sequences)))
        rates = np.zeros(int(sequence.max()) + 1)
        np.maximum.at(rates, sequences, factors[classes])
        return rates

    def rates(self, counts: Codes) -> Array:
        """Expected draws per row of each class, where each row is a sequence."""
        return np.where(counts > 0, self._factors(counts, int(counts.sum())), 1.0)

    def _factors(self, counts: Codes, n_sequences: int) -> Array:
        factors: Array = np.maximum(1.0, np.sqrt(self.threshold * n_sequences / np.maximum(counts, 1)))
        return factors
