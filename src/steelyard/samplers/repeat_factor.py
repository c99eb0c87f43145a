"""Loader sampler that repeats rows with rare classes (LVIS), and keeps rows without labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.samplers._backend import checksum, draws, index_dtype, permutation_widths, stream_key
from steelyard.samplers._groups import RowGroups, group_rows
from steelyard.samplers._loader import LoaderSampler

_OFFSET, _ORDER = 4, 5
#: Repeat factors are added up as whole numbers of this part, so that no sum is ever rounded.
_PART = 1 << 20


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
