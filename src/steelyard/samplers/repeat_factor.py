"""Rows, or sequences, with rare classes repeated (LVIS): in a strategy, and for data loaders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.samplers._backend import checksum, draws, index_dtype, permutation_widths, stream_key
from steelyard.samplers._base import Array, Codes
from steelyard.samplers._groups import RowGroups, group_rows
from steelyard.samplers._loader import LoaderSampler
from steelyard.samplers._sequences import SequenceSampling, held_by
from steelyard.searched import Range, declared

_OFFSET, _ORDER = 4, 5
#: Repeat factors are added up as whole numbers of this part, so that no sum is ever rounded.
_PART = 1 << 20


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


class RepeatFactorSampler(LoaderSampler):
    """Goes over all rows again and again, those with rare classes several times in each pass.

    A class in the share f of the rows has the repeat factor max(1, sqrt(threshold / f)); a row has the largest of
    its classes, and 1 without any, so images without labels stay in. A pass holds a row with factor 2.3 two or
    three times, in the long run 2.3 times, in random order.

    Parameters
    ----------
    labels : sequence of labels for each row, array-like of shape (n_rows,) or 0/1 matrix (n_rows, n_labels)
        For images with boxes: the categories in each image, in which repetition means nothing.
    num_samples : int, optional
        Draws in an epoch over all ranks; by default one pass. Epochs of another length go on in the passes where
        the last one ended.
    seed, rank, world_size
        As in :class:`ClassBalancedSampler`.
    threshold : float, default 0.001
        Classes in a smaller share of the rows are repeated. LVIS uses 0.001.

    Attributes
    ----------
    repeat_factors : ndarray of float64, shape (n_rows,)

    Raises
    ------
    UsageError
        When the threshold is not between 0 and 1.
    DataError
        When no row has a label.

    References
    ----------
    Gupta, Dollar, Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation", CVPR 2019, appendix B.2.

    Examples
    --------
    >>> sampler = RepeatFactorSampler([["car"], ["car"], [], ["car", "bicycle"]], threshold=1.0)
    >>> sampler.repeat_factors.round(3)
    array([1.155, 1.155, 1.   , 2.   ])
    >>> sorted(sampler)
    [0, 1, 2, 3, 3]
    """

    _groups: RowGroups

    def __init__(
        self,
        labels: Any,
        num_samples: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        *,
        threshold: float = 0.001,
    ) -> None:
        given: Any = threshold  # what a user passes may be of any type
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given <= 1:
            raise UsageError(f"threshold must be a share above 0 and at most 1, not {threshold!r}")
        self._groups = group_rows(labels)
        self.threshold = float(threshold)
        self._cumulative = np.cumsum(np.rint(self.repeat_factors * _PART).astype(np.int64))
        total = int(self._cumulative[-1])
        self._pass_length = (total + _PART // 2) // _PART
        self._widths = permutation_widths(np.array([self._pass_length]))[0]
        self._pass: tuple[int, NDArray[Any]] | None = None
        super().__init__(self._groups.n_rows, num_samples, seed, rank, world_size)

    @property
    def repeat_factors(self) -> NDArray[np.float64]:
        """How often a pass holds each row in the long run, shape (n_rows,)."""
        groups = self._groups
        factors = np.ones(groups.n_rows)
        for code, name in enumerate(groups.classes):
            rows = groups.order[groups.offsets[code] : groups.offsets[code + 1]]
            if name is not None:
                factors[rows] = np.maximum(factors[rows], math.sqrt(self.threshold * groups.n_rows / len(rows)))
        return factors

    def _rows_of(self, number: int) -> NDArray[Any]:
        """Rows of one pass in their own order; which ones are rounded up changes with the pass."""
        if self._pass is None or self._pass[0] != number:
            rows = np.empty(self._pass_length, index_dtype(self._groups.n_rows))
            spacing = int(self._cumulative[-1]) // self._pass_length
            offset = int(stream_key(self.seed, _OFFSET, number)) % max(spacing, 1)
            draws().repeated(self._cumulative, offset, rows)
            self._pass = number, rows
        return self._pass[1]

    def _fill(self, epoch: int, first: int, stride: int, out: NDArray[Any]) -> None:
        begin = epoch * self._length() + first
        done = 0
        while done < len(out):
            number, place = divmod(begin + done * stride, self._pass_length)
            part = min(-(-(self._pass_length - place) // stride), len(out) - done)
            key = self._key(_ORDER, number)
            draws().draw_permuted(key, place, stride, self._widths, self._rows_of(number), out[done : done + part])
            done += part

    def _rates(self) -> NDArray[np.float64]:
        rates: NDArray[np.float64] = np.diff(self._cumulative, prepend=0) / self._cumulative[-1]
        return rates

    def _default_length(self) -> int:
        return self._pass_length

    def _settings(self) -> str:
        return checksum(self._cumulative)
