"""Rows of many fits in the memory of one device, and the batches of a pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steelyard.models._engines import Options, Rows, Samples
from steelyard.models._network import GOLDEN, Floats, mixed_bits
from steelyard.models._stacked_network import step_sizes
from steelyard.models._training import Pass

_LOWEST = -(2**31)


class DeviceRows:
    """Rows, targets and weights of fits; what several fits have in common is kept once."""

    def __init__(self, samples: Sequence[Samples], weights: Sequence[Floats], device: torch.device) -> None:
        self.device = device
        self.X, self.x_start = _joined([each.X for each in samples], device)
        self.targets, self.target_start = _joined([each.targets for each in samples], device)
        lengths = [len(weight) for weight in weights]
        self.weight = torch.empty((sum(lengths), weights[0].shape[1]), dtype=torch.float32, device=device)
        self.weight_start = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self._held: list[Floats | None] = [None] * len(samples)

    def weigh(self, fit: int, weight: Floats) -> None:
        """Weights (n_rows, 1) or (n_rows, n_classes) of a fit from now on."""
        if self._held[fit] is not weight:
            start = int(self.weight_start[fit])
            self.weight[start : start + len(weight)] = torch.from_numpy(weight).to(self.device)
            self._held[fit] = weight

    def starts(self, fits: Sequence[int]) -> Tensor:
        """Where the rows, the targets and the weights of fits begin: (3, m, 1)."""
        found = np.stack([part[list(fits)] for part in (self.x_start, self.target_start, self.weight_start)])
        return torch.from_numpy(found[:, :, None]).to(self.device)


def _joined(parts: Sequence[Floats], device: torch.device) -> tuple[Tensor, NDArray[np.int64]]:
    """Different arrays one after the other, and where that of each fit begins."""
    different = {id(part): part for part in parts}
    ends = np.cumsum([len(part) for part in different.values()])
    starts = dict(zip(different, [0, *ends[:-1].tolist()], strict=True))
    joined = torch.cat([torch.from_numpy(part).to(device) for part in different.values()])
    return joined, np.array([starts[id(part)] for part in parts])


@dataclass(frozen=True)
class Batches:
    """The steps of one pass of many fits, the longest pass first; what is past the end of a pass has no share.

    Parameters
    ----------
    rows, partner : tensor of int64, shape (n_steps, m, batch_size)
        Places of rows in their own fit, and of those that they are mixed with.
    share : tensor of float32, shape (n_steps, m, batch_size)
        What each row counts: its part of the mean.
    mixed : tensor of float32, shape (n_steps, m, batch_size), optional
        Share of the row in its mixture; None where no fit mixes.
    alive : list of int
        How many fits have a batch in each step.
    spread, least : tensor of float32, shape (n_steps, m, 1)
        Sizes of the steps, see :func:`step_sizes`.
    salts : tensor of int32, shape (n_steps, m, n_hidden_layers)
        What the units to be dropped are drawn by.
    """

    rows: Tensor
    partner: Tensor
    share: Tensor
    mixed: Tensor | None
    alive: list[int]
    spread: Tensor
    least: Tensor
    salts: Tensor

    @classmethod
    def of(
        cls,
        asked: Sequence[Pass],
        options: Sequence[Options],
        done: NDArray[np.int64],
        layers: int,
        device: torch.device,
    ) -> Batches:
        """Batches of passes.

        Parameters
        ----------
        asked : sequence of Pass
        options : sequence of Options
            Of the fit of each pass; all but the key are the same.
        done : ndarray of int64, shape (m,)
            Steps that each fit has made before.
        layers : int
            Number of hidden layers.
        device : torch.device
        """
        size = options[0].batch_size
        lengths = np.array([len(each.order) for each in asked])
        counts = -(-lengths // size)
        shape = (len(asked), int(counts.max()) * size)
        rows, partner = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        share, mixed = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        mixes = any(len(each.mixed) for each in asked)
        for place, each in enumerate(asked):
            n = len(each.order)
            rows[place, :n] = each.order
            share[place, :n] = 1 / batch_lengths(n, size)
            if mixes:
                partner[place, :n] = partners(each.order, size)
                mixed[place, :n] = each.mixed if len(each.mixed) else 1
        steps = np.arange(int(counts.max()))
        moment = (done[:, None] + steps).T
        spread, least = step_sizes(moment[:, :, None] + 1, options[0].learning_rate)
        keys = np.array([each.key for each in options], dtype=np.uint64)

        def there(values: NDArray[np.generic]) -> Tensor:
            by_step = values.reshape(len(asked), len(steps), size).swapaxes(0, 1)
            return torch.from_numpy(np.ascontiguousarray(by_step)).to(device)

        return cls(
            rows=there(rows),
            partner=there(partner) if mixes else torch.empty(0),
            share=there(share),
            mixed=there(mixed) if mixes else None,
            alive=[int((counts > step).sum()) for step in steps],
            spread=torch.from_numpy(spread).to(device),
            least=torch.from_numpy(least).to(device),
            salts=torch.from_numpy(dropout_salts(keys, moment, layers)).to(device),
        )


def batch_lengths(n: int, size: int) -> Floats:
    """Number of rows in the batch of each of n rows.

    Examples
    --------
    >>> batch_lengths(5, 3).tolist()
    [3.0, 3.0, 3.0, 2.0, 2.0]
    """
    lengths = np.full(n, size, dtype=np.float32)
    if n % size:
        lengths[n - n % size :] = n % size
    return lengths


def partners(order: Rows, size: int) -> Rows:
    """The next row of the same batch, for each row of an order; the last one's is the first.

    Examples
    --------
    >>> partners(np.array([7, 8, 9, 4, 5]), 3).tolist()
    [8, 9, 7, 5, 4]
    """
    found = np.roll(order, -1)
    starts = np.arange(0, len(order), size)
    found[np.append(starts[1:], len(order)) - 1] = order[starts]
    return found


def dropout_salts(keys: NDArray[np.uint64], steps: NDArray[np.int64], layers: int) -> NDArray[np.int32]:
    """Salts (n_steps, m, n_layers) of :func:`dropout_masks` from keys (m,) and steps (n_steps, m)."""
    drawn = mixed_bits(keys + np.uint64(GOLDEN) * (steps + 1).astype(np.uint64))
    every = np.arange(1, layers + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    salts: NDArray[np.uint64] = mixed_bits(drawn[..., None] + every) >> np.uint64(32)
    return salts.astype(np.uint32).view(np.int32)


class DropoutMasks:
    """Masks of a step, the same as those of :func:`dropout_masks`, made where the networks are."""

    def __init__(self, dropout: float, size: int, units: Sequence[int], device: torch.device) -> None:
        self.gain = float(np.float32(1 / (1 - dropout)))
        self.least = int(dropout * 2**32) + _LOWEST
        row = torch.arange(size, dtype=torch.int32, device=device)[:, None] << 16
        self.places = [row + torch.arange(each, dtype=torch.int32, device=device) for each in units]

    def __call__(self, salts: Tensor) -> list[Tensor]:
        """Masks (m, batch_size, units) of each hidden layer from salts (m, n_hidden_layers)."""
        masks = []
        for layer, place in enumerate(self.places):
            # Numbers without a sign are not for every operation, so a shift is cleared of the sign.
            x = place + salts[:, layer, None, None]
            x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
            x = (x ^ ((x >> 15) & 0x1FFFF)) * (0x846CA68B - 2**32)
            kept = ((x ^ ((x >> 16) & 0xFFFF)) ^ _LOWEST) >= self.least
            masks.append(kept.to(torch.float32).mul_(self.gain))
        return masks
