"""What all samplers for data loaders share: positions, batches, epochs, state and audit.

A sampler is one endless draw, cut into epochs. A subclass says which row stands at a position of an epoch, as a
pure function of the seed; everything here only decides which positions are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.samplers._audit import Audit
from steelyard.samplers._backend import draws, index_dtype, stream_key
from steelyard.samplers._batches import CHUNK, Batches
from steelyard.samplers._dataset import values_of
from steelyard.samplers._groups import RowGroups, group_rows
from steelyard.samplers._position import checked_rank, current_rank, whole_number


class LoaderSampler:
    """Base of the samplers that a data loader takes as its ``sampler``.

    Subclasses set ``_groups`` (or None) and define :meth:`_fill` and :meth:`_rates`.
    """

    #: Whether shares are counted over labels (tokens) instead of over draws.
    _per_label: ClassVar[bool] = False
    _groups: RowGroups | None = None

    def __init__(self, n_rows: int, num_samples: Any, seed: Any, rank: Any, world_size: Any) -> None:
        self.n_rows = n_rows
        wanted = self._default_length() if num_samples is None else num_samples
        self.num_samples = whole_number("num_samples", wanted, 1)
        self.seed = whole_number("seed", seed, 0)
        self._given_rank = checked_rank(rank, world_size)
        self._epoch = 0
        self._start = 0
        self._position = 0
        self._reader = 0
        self._fixed = ""

    @classmethod
    def from_dataset(cls, dataset: Any, labels: Any = None, **options: Any) -> Any:
        """Sampler over the rows of a dataset, ``Subset`` and ``ConcatDataset`` (nested too) included.

        Parameters
        ----------
        dataset : torch.utils.data.Dataset, or anything with a length
        labels : str or array-like, optional
            Name of the attribute or column that holds the labels, or the labels themselves: those of the dataset,
            or, for a ``Subset``, those of the whole it was taken from. By default ``targets``, ``labels``,
            ``label`` or ``y`` of the dataset, or the last tensor of a ``TensorDataset``.
        **options
            Further arguments of the sampler.

        Raises
        ------
        DataError
            When the labels are not as many as the rows, or none can be found.
        """
        return cls(values_of(dataset, labels), **options)

    @property
    def rank(self) -> int:
        """Rank of this process: as given, else that of the running process group, else 0."""
        return (self._given_rank or current_rank())[0]

    @property
    def world_size(self) -> int:
        """Number of processes that share the draw."""
        return (self._given_rank or current_rank())[1]

    @property
    def epoch(self) -> int:
        """Epoch that the next iteration draws."""
        return self._epoch

    def __len__(self) -> int:
        """Draws of this rank in an epoch: the same number on every rank."""
        return -(-self.num_samples // self.world_size)

    def __iter__(self) -> Iterator[int]:
        """Row numbers of this rank's draws, one by one."""
        return self._items(*self._open())

    def batches(self, batch_size: int, drop_last: bool = False) -> Batches:
        """Batches of row numbers as arrays; can be iterated every epoch, and be a loader's ``batch_sampler``.

        Parameters
        ----------
        batch_size : int
            Rows of a batch on this rank.
        drop_last : bool, default False
            Leave out the last batch when it is not full.

        Returns
        -------
        Batches
            Yields arrays of shape (batch_size,), int32 where row numbers fit, else int64.
        """
        return Batches(self, batch_size, drop_last)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; without it, an epoch read to its end is followed by the next one."""
        if whole_number("epoch", epoch, 0) != self._epoch:
            self._epoch, self._start, self._position = int(epoch), 0, 0
            self._reader += 1

    def state_dict(self, epoch: int | None = None, consumed: int | None = None) -> dict[str, Any]:
        """Where the draw stands, as plain numbers for a checkpoint.

        Parameters
        ----------
        epoch, consumed : int, optional
            Epoch that the training loop is in, and draws of it that this rank's loop has used. By default those
            handed out, which is more when a loader with workers reads ahead.
        """
        if epoch is not None and consumed is None:
            raise UsageError("say with epoch how many draws of it were consumed")
        current = self._epoch if epoch is None else whole_number("epoch", epoch, 0)
        position = self._position if consumed is None else whole_number("consumed", consumed, 0)
        if position > len(self):
            raise UsageError(f"consumed={position} is more than the {len(self)} draws of an epoch on a rank")
        return {**self._identity(), "epoch": current, "position": position * self.world_size}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken, on as many ranks or on another number that divides the epoch.

        Raises
        ------
        UsageError
            When the state is of a sampler with other data, seed, length or settings.
        """
        for key, value in self._identity().items():
            if key not in state or state[key] != value:
                raise UsageError(f"the state is of another sampler: its {key} is {state.get(key)!r}, here {value!r}")
        local, rest = divmod(whole_number("position", state.get("position"), 0), self.world_size)
        if rest or local > len(self):
            raise UsageError(f"position {state['position']} cannot be shared by {self.world_size} ranks")
        self._epoch = whole_number("epoch", state.get("epoch"), 0)
        if local == len(self):
            self._epoch, local = self._epoch + 1, 0
        self._start = self._position = local
        self._reader += 1

    def draw(self, epoch: int, start: int, stop: int) -> NDArray[Any]:
        """Rows at positions ``start`` to ``stop - 1`` of an epoch's global draw, whatever rank takes them."""
        out = np.empty(max(stop - start, 0), index_dtype(self.n_rows))
        self._fill(epoch, start, 1, out)
        return out

    def audit(self, epoch: int | None = None, rows: Any = None, labels: Any = None) -> Audit:
        """Class shares intended, and those of an epoch's draws on all ranks together.

        Parameters
        ----------
        epoch : int, optional
            By default the one that comes next.
        rows : array-like of int, optional
            Rows to audit instead of an epoch: those that a training loop really saw.
        labels : array-like, optional
            Labels to audit by, of as many rows as the data; by default those the sampler was made with.

        Returns
        -------
        Audit

        Raises
        ------
        UsageError
            When the sampler was made without labels and none are given.
        DataError
            When there are no draws, or a row is not in the data.
        """
        groups = self._groups if labels is None else group_rows(labels)
        if groups is None:
            raise UsageError(f"{type(self).__name__} was made without labels: say audit(labels=...)")
        if groups.n_rows != self.n_rows:
            raise DataError(f"{groups.n_rows} labels for {self.n_rows} rows")
        times = self._times(self._epoch if epoch is None else whole_number("epoch", epoch, 0), rows)
        counts, number, distinct = groups.totals(times), int(times.sum()), int(np.count_nonzero(times))
        del times  # as large as the rates, and of no more use
        rates = groups.totals(self._rates())
        tokens = self._per_label and labels is None
        return Audit(
            classes=groups.classes,
            data=groups.counts / (groups.counts.sum() if tokens or not groups.several else self.n_rows),
            intended=rates / (rates.sum() if tokens else 1.0),
            realised=counts / (counts.sum() if tokens else number),
            counts=counts,
            draws=number,
            distinct=distinct,
        )

    def _times(self, epoch: int, rows: Any) -> NDArray[np.int64]:
        times = np.zeros(self.n_rows, np.int64)
        if rows is None:
            for start in range(0, self._length(), CHUNK):
                draws().tally(self.draw(epoch, start, min(start + CHUNK, self._length())), times)
            return times
        seen = np.asarray(rows)
        if seen.ndim != 1 or not seen.size or seen.dtype.kind not in "iu":
            raise DataError("rows to audit must be row numbers in one dimension, at least one")
        if seen.min() < 0 or seen.max() >= self.n_rows:
            raise DataError(f"rows to audit must be from 0 to {self.n_rows - 1}")
        draws().tally(seen, times)
        return times

    def _length(self) -> int:
        """Positions of an epoch over all ranks: as many for each, so a few more than asked for."""
        return len(self) * self.world_size

    def _identity(self) -> dict[str, Any]:
        # A checksum over all rows takes a while, and nothing it is taken of ever changes.
        self._fixed = self._fixed or self._settings()
        return {
            "sampler": type(self).__name__,
            "seed": self.seed,
            "n_rows": self.n_rows,
            "epoch_length": self._length(),
            "settings": self._fixed,
        }

    def _open(self) -> tuple[int, int, int]:
        """Begin a reading: its mark, its epoch and its first position on this rank."""
        self._reader += 1
        start, self._position, self._start = self._start, self._start, 0
        return self._reader, self._epoch, start

    def _moved(self, reader: int, position: int) -> None:
        # An older reading that is still alive, as a loader's that was left early is, moves nothing.
        if reader == self._reader:
            self._position = position

    def _finished(self, reader: int) -> None:
        if reader == self._reader:
            self._epoch, self._position = self._epoch + 1, 0

    def _chunks(self, epoch: int, start: int, size: int) -> Iterator[NDArray[Any]]:
        rank, world_size, end = self.rank, self.world_size, len(self)
        for begin in range(start, end, size):
            out = np.empty(min(size, end - begin), index_dtype(self.n_rows))
            self._fill(epoch, begin * world_size + rank, world_size, out)
            yield out

    def _items(self, reader: int, epoch: int, position: int) -> Iterator[int]:
        for chunk in self._chunks(epoch, position, CHUNK):
            for row in chunk.tolist():
                position += 1
                self._moved(reader, position)
                yield row
        self._finished(reader)

    def _fill(self, epoch: int, first: int, stride: int, out: NDArray[Any]) -> None:
        """Write the rows at positions first, first + stride, ... of an epoch's global draw."""
        raise NotImplementedError

    def _rates(self) -> NDArray[np.float64]:
        """Share of each row in the draws in the long run, shape (n_rows,), adding up to 1."""
        raise NotImplementedError

    def _default_length(self) -> int:
        return self.n_rows

    def _settings(self) -> str:
        """What else the draw depends on, in short: a checksum of its tables."""
        raise NotImplementedError

    def _key(self, purpose: int, epoch: int = 0) -> np.uint64:
        return stream_key(self.seed, purpose, epoch)
