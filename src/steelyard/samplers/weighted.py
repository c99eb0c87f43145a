"""Loader sampler that draws rows in proportion to any weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.labels import native
from steelyard.samplers._backend import checksum, draws
from steelyard.samplers._groups import RowGroups, group_rows
from steelyard.samplers._loader import LoaderSampler

_DRAWS = 3
#: A cell of the alias table names a row in 32 bits.
_MOST_ROWS = 2**32


class WeightedSampler(LoaderSampler):
    """Draws rows with replacement, each in proportion to its weight (alias method: 8 bytes a row).

    Parameters
    ----------
    weights : array-like of shape (n_rows,)
        Finite and not below 0, of any scale; rows of weight 0 are never drawn.
    num_samples, seed, rank, world_size
        As in :class:`ClassBalancedSampler`.
    labels : array-like, optional
        Labels of the rows, for :meth:`audit` only: one a row, a 0/1 matrix, or a sequence of labels a row.

    Raises
    ------
    DataError
        When a weight is negative, infinite or NaN, all are 0, or there are not as many labels.

    References
    ----------
    Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE TSE 17(9), 1991.

    Examples
    --------
    >>> sampler = WeightedSampler([0.0, 1.0, 3.0], num_samples=4000)
    >>> (np.bincount(np.concatenate(list(sampler.batches(100)))) / 4000).round(1)
    array([0. , 0.2, 0.8])
    """

    def __init__(
        self,
        weights: Any,
        num_samples: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        *,
        labels: Any = None,
    ) -> None:
        checked = checked_weights(weights)
        super().__init__(len(checked), num_samples, seed, rank, world_size)
        self._groups: RowGroups | None = None if labels is None else group_rows(labels)
        if self._groups is not None and self._groups.n_rows != self.n_rows:
            raise DataError(f"{self._groups.n_rows} labels for {self.n_rows} weights: every row needs both")
        self._set_weights(checked)

    def _set_weights(self, weights: NDArray[np.float64]) -> None:
        # Scaled first, so that no sum of large weights overflows.
        scaled = weights / weights.max()
        self._cells: NDArray[np.uint64] = draws().alias_table(scaled, float(scaled.sum()))

    def _fill(self, epoch: int, first: int, stride: int, out: NDArray[Any]) -> None:
        draws().draw_alias(self._key(_DRAWS, epoch), first, stride, self._cells, out)

    def _rates(self) -> NDArray[np.float64]:
        # Read back from the table, so that weights need not be kept beside it.
        kept = ((self._cells >> 32) / 2**32).astype(np.float64)
        aliases = (self._cells & np.uint64(0xFFFFFFFF)).astype(np.int64)
        rates: NDArray[np.float64] = kept + np.bincount(aliases, weights=1.0 - kept, minlength=self.n_rows)
        return rates / self.n_rows

    def _settings(self) -> str:
        return checksum(self._cells)


def checked_weights(weights: Any, name: str = "weight") -> NDArray[np.float64]:
    """Weights of rows as float64; negative, infinite, NaN or only zeros are errors that name the row."""
    try:
        array = np.asarray(native(weights), dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"every row needs a number as its {name}") from None
    if array.ndim != 1 or not len(array):
        raise DataError(f"{name}s must have one dimension and at least one row; these have shape {array.shape}")
    if len(array) > _MOST_ROWS:
        raise DataError(f"{len(array)} rows are more than the {_MOST_ROWS} that weights can be drawn from")
    if not (array.min() >= 0 and array.max() < np.inf):
        row = int((~((array >= 0) & (array < np.inf))).argmax())
        raise DataError(f"{name} of row {row} must be finite and not below 0, not {array[row]}")
    if array.max() == 0:
        raise DataError(f"all {name}s are 0, so there is nothing to draw")
    return array
