"""Loader sampler that draws every class as often as any other, or in shares of your choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.component import parse_calls
from steelyard.errors import DataError, UsageError
from steelyard.samplers._backend import checksum, draws, permutation_widths
from steelyard.samplers._groups import RowGroups, group_rows
from steelyard.samplers._loader import LoaderSampler

_CLASSES, _ROWS, _DRAWS = 0, 1, 2
#: Longest round of classes with unequal shares, unless there are thousands of classes.
_ROUND = 1 << 16


class ClassBalancedSampler(LoaderSampler):
    """Draws rows so that each class has the same share of the draws.

    Works as ``sampler`` of a ``DataLoader``, and without torch through :meth:`batches`. Row ``i`` of epoch ``e``
    depends on the seed, ``e`` and ``i`` alone, so ranks, loader workers and resumed runs all see one draw.

    Parameters
    ----------
    labels : array-like of shape (n_rows,), (n_rows, n_labels) or a sequence of labels for each row
        Rows with a missing label are never drawn. With several labels a row (a 0/1 matrix, or sequences), each
        draw picks a label and then a row that has it: a row counts for all its labels, so labels that come along
        with others end above their share; rows without any label keep the share they have in the data.
        :meth:`audit` gives the shares that follow.
    num_samples : int, optional
        Draws in an epoch over all ranks; by default as many as there are rows. When ranks do not divide it, each
        takes one draw more rather than some repeating others'.
    seed : int, default 0
    rank, world_size : int, optional
        Give both when a framework does not set up ``torch.distributed`` itself, or (0, 1) where it divides the
        batches of one sampler among its processes (Accelerate, Transformers' Trainer).
    replacement : bool, default True
        False: every row of a class is drawn once before any of it is drawn again, across epochs, and each run of
        ``n_classes`` draws (with unequal shares: of an epoch, or of 65536) has the intended shares to the row.
    balance : str, float or mapping, default "equal"
        Share of a class with n rows: "equal"; "sqrt" (as sqrt(n)); "effective_number(beta=0.999)", as
        n (1-beta) / (1-beta^n); a number p (as n^p: 0 is equal, 1 is as in the data); or a mapping from class to
        share (scaled to add up to 1; classes not named are not drawn).

    Raises
    ------
    UsageError
        When an argument is out of its range.
    DataError
        When no row has a label, or ``balance`` names a class without rows.

    References
    ----------
    Shen, Lin, Huang, "Relay Backpropagation for Effective Learning of Deep Convolutional Neural Networks",
    ECCV 2016, section 3.2 (class-aware sampling). Cui et al., "Class-Balanced Loss Based on Effective Number of
    Samples", CVPR 2019, eq. 2.

    Examples
    --------
    >>> labels = ["soccer"] * 6 + ["funny"] * 2
    >>> sampler = ClassBalancedSampler(labels, replacement=False)
    >>> [sorted(labels[row] for row in batch) for batch in sampler.batches(4)]
    [['funny', 'funny', 'soccer', 'soccer'], ['funny', 'funny', 'soccer', 'soccer']]
    >>> sampler.audit().realised
    array([0.5, 0.5])
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
        replacement: bool = True,
        balance: str | float | Mapping[Any, float] = "equal",
    ) -> None:
        if not isinstance(replacement, bool):
            raise UsageError(f"replacement must be True or False, not {replacement!r}")
        self._groups = group_rows(labels)
        self.replacement = replacement
        self._shares = _shares(self._groups, balance)
        super().__init__(self._groups.n_rows, num_samples, seed, rank, world_size)
        self._equal = self._groups.classes[-1] is not None and len(set(self._shares.tolist())) == 1
        if replacement:
            self._cells = draws().alias_table(self._shares, float(self._shares.sum()))
        else:
            self._pattern = self._round()
            self._widths = permutation_widths(self._groups.counts)

    @property
    def classes(self) -> tuple[Any, ...]:
        """Classes that have rows; None stands for rows without any label."""
        return self._groups.classes

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the draws made for each class, shape (n_classes,)."""
        if self.replacement:
            return self._shares
        return np.bincount(self._pattern, minlength=len(self.classes)) / len(self._pattern)

    def _round(self) -> NDArray[np.int64]:
        """Classes of one round: each as often as its share says, rounded by largest remainders."""
        if self._equal:
            return np.arange(len(self.classes))
        length = max(min(self.num_samples, _ROUND), 16 * len(self.classes))
        wanted = self._shares * length
        quota = np.where(wanted > 0, np.maximum(np.floor(wanted), 1), 0).astype(np.int64)
        # A negative rest comes from rare classes that were given one draw more than their share.
        missing = max(length - int(quota.sum()), 0)
        quota[np.argsort(quota - wanted, kind="stable")[:missing]] += 1
        return np.repeat(np.arange(len(quota)), quota)

    def _fill(self, epoch: int, first: int, stride: int, out: NDArray[Any]) -> None:
        groups = self._groups
        if self.replacement:
            key = self._key(_DRAWS, epoch)
            draws().draw_classes(key, first, stride, self._cells, groups.offsets, groups.order, out)
            return
        start = epoch * self._length() + first
        keys = self._key(_CLASSES), self._key(_ROWS)
        draws().draw_rounds(*keys, start, stride, self._pattern, groups.offsets, self._widths, groups.order, out)

    def _rates(self) -> NDArray[np.float64]:
        rates = np.zeros(self.n_rows)
        counts = self._groups.counts
        for code, share in enumerate(self.shares):
            rows = self._groups.order[self._groups.offsets[code] : self._groups.offsets[code + 1]]
            rates[rows] += share / counts[code]
        return rates

    def _settings(self) -> str:
        return f"replacement={self.replacement}, {checksum(self._groups.offsets, self._shares)}"


def _shares(groups: RowGroups, balance: Any) -> NDArray[np.float64]:
    """Share of each class in the draws; rows without any label keep the share they have in the data."""
    counts = groups.counts.astype(np.float64)
    if isinstance(balance, Mapping):
        return _to_one(_named(groups, balance))
    shares = _to_one(_scheme(counts, balance))
    if groups.classes[-1] is not None:
        return shares
    bare = counts[-1] / groups.n_rows
    shares[-1] = 0.0
    shares *= (1.0 - bare) / shares.sum()
    shares[-1] = bare
    return shares


def _to_one(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = shares / shares.sum()
    return scaled


def _scheme(counts: NDArray[np.float64], balance: Any) -> NDArray[np.float64]:
    if isinstance(balance, (int, float)) and not isinstance(balance, bool) and math.isfinite(balance):
        # Divided first, so that no power of a large count overflows.
        shares: NDArray[np.float64] = (counts / counts.max()) ** balance
        return shares
    if isinstance(balance, str):
        call = parse_calls(balance)[0]
        beta: Any = call.kwargs.get("beta", call.args[0] if call.args else 0.999)
        given = len(call.args) + len(call.kwargs)
        if call.name in ("equal", "sqrt") and not given:
            return _scheme(counts, 0.0 if call.name == "equal" else 0.5)
        if call.name == "effective_number" and given <= 1 and set(call.kwargs) <= {"beta"}:
            if isinstance(beta, bool) or not isinstance(beta, (int, float)) or not 0 <= beta < 1:
                raise UsageError(f"beta must be a number in [0, 1), not {beta!r}")
            # 1 - beta**n loses all digits for beta near 1; expm1 keeps them.
            return counts if beta == 0 else counts / -np.expm1(counts * math.log1p(beta - 1.0))
    raise UsageError(
        f"balance must be 'equal', 'sqrt', 'effective_number(beta=...)', a power of the counts or a mapping from "
        f"class to share, not {balance!r}"
    )


def _named(groups: RowGroups, balance: Mapping[Any, float]) -> NDArray[np.float64]:
    place = {name: code for code, name in enumerate(groups.classes)}
    shares = np.zeros(len(place))
    share: Any  # what a user passes may be of any type
    for name, share in balance.items():
        number = isinstance(share, (int, float, np.number)) and not isinstance(share, bool)
        if not number or not 0 <= share < np.inf:
            raise UsageError(f"share of class {name!r} must be a number of at least 0, not {share!r}")
        if name in place:
            shares[place[name]] = share
        elif share > 0:
            raise DataError(f"class {name!r} has no rows, so no share of the draws can be its own")
    if not shares.sum() > 0:
        raise UsageError("balance gives no class a share above 0")
    return shares
