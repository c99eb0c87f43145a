"""Batches of row numbers, with or without a data loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from steelyard.samplers._position import whole_number

if TYPE_CHECKING:
    from steelyard.samplers._loader import LoaderSampler

#: Positions drawn at a time when rows are asked for in smaller portions.
CHUNK = 1 << 16


class Batches:
    """The batches of a sampler's draw on this rank, epoch after epoch.

    Attributes
    ----------
    sampler : LoaderSampler
        Its ``set_epoch`` and ``state_dict`` hold for these batches too.
    batch_size : int
    drop_last : bool
    """

    def __init__(self, sampler: LoaderSampler, batch_size: int, drop_last: bool = False) -> None:
        self.sampler = sampler
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self.drop_last = drop_last

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        """Batches of this rank in an epoch."""
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Batches from where the draw stands."""
        return self._read(*self.sampler._open())

    def _read(self, reader: int, epoch: int, position: int) -> Iterator[NDArray[Any]]:
        sampler, size = self.sampler, self.batch_size
        for chunk in sampler._chunks(epoch, position, max(CHUNK // size, 1) * size):
            for begin in range(0, len(chunk), size):
                batch = chunk[begin : begin + size]
                if len(batch) < size and self.drop_last:
                    break
                position += len(batch)
                sampler._moved(reader, position)
                yield batch
        sampler._finished(reader)
