"""Class weights that change while a model is trained.

A schedule says which weights hold in an epoch; ``schedule.apply(loss, epoch)`` puts them into a loss of
``steelyard.losses``. Weights are NumPy arrays in the order of the classes, so any framework can use them.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steelyard.errors import UsageError

__all__ = ["Annealed", "Constant", "Deferred", "Schedule", "ValidationDriven", "Weighted"]

_log = logging.getLogger(__name__)
Array = NDArray[np.float64]


class Weighted(Protocol):
    """A loss whose class weights can be replaced."""

    def set_weight(self, weight: Any) -> None:
        """Replace the class weights."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Base of the schedules.

    Parameters
    ----------
    weights : array-like of shape (n_classes,), or ClassWeights
        The weights that are led up to.

    Raises
    ------
    UsageError
        When weights are negative, not finite or all 0.
    """

    weights: ArrayLike

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=np.float64)
        if weights.ndim != 1 or not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise UsageError(f"weights must be one finite number per class, none below 0, not {self.weights!r}")
        weights.flags.writeable = False
        object.__setattr__(self, "weights", weights)

    def weights_at(self, epoch: int) -> Array:
        """Weights in an epoch, counted from 0: float64 of shape (n_classes,)."""
        raise NotImplementedError

    def apply(self, loss: Weighted, epoch: int) -> None:
        """Put the weights of an epoch into a loss."""
        loss.set_weight(self.weights_at(epoch))

    def _mixed(self, share: float) -> Array:
        # A mixture of two weightings of mean 1 has mean 1: the scale of the loss stays put.
        weights: Array = np.asarray(self.weights)
        return (1 - share) + share * weights


@dataclass(frozen=True, eq=False)
class Constant(Schedule):
    """The same weights in all epochs.

    Examples
    --------
    >>> Constant([0.5, 3.0]).weights_at(7)
    array([0.5, 3. ])
    """

    def weights_at(self, epoch: int) -> Array:
        """Weights in an epoch, counted from 0."""
        return self._mixed(1.0)


@dataclass(frozen=True, eq=False)
class Deferred(Schedule):
    """No weights at first, all of them later: deferred re-weighting (DRW, Cao et al. 2019, algorithm 1).

    Parameters
    ----------
    weights : array-like of shape (n_classes,), or ClassWeights
    start : int
        First epoch with weights; the paper takes 160 of 200.

    Examples
    --------
    >>> schedule = Deferred([0.5, 3.0], start=160)
    >>> schedule.weights_at(159), schedule.weights_at(160)
    (array([1., 1.]), array([0.5, 3. ]))
    """

    start: int = field(kw_only=True)

    def weights_at(self, epoch: int) -> Array:
        """Weights in an epoch, counted from 0."""
        return self._mixed(float(epoch >= self.start))


@dataclass(frozen=True, eq=False)
class Annealed(Schedule):
    """From no weights to all of them, little by little.

    Parameters
    ----------
    weights : array-like of shape (n_classes,), or ClassWeights
    start, stop : int
        Last epoch without weights, first epoch with all of them.
    shape : {"linear", "cosine"}, default "linear"

    Raises
    ------
    UsageError
        When stop is not after start.

    Examples
    --------
    >>> [Annealed([0.5, 3.0], start=0, stop=4).weights_at(epoch).tolist() for epoch in (0, 2, 9)]
    [[1.0, 1.0], [0.75, 2.0], [0.5, 3.0]]
    """

    start: int = field(default=0, kw_only=True)
    stop: int = field(kw_only=True)
    shape: str = field(default="linear", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop <= self.start:
            raise UsageError(f"stop must be after start, but {self.stop} is not after {self.start}")
        if self.shape not in ("linear", "cosine"):
            raise UsageError(f"shape must be 'linear' or 'cosine', not {self.shape!r}")

    def weights_at(self, epoch: int) -> Array:
        """Weights in an epoch, counted from 0."""
        share = min(max((epoch - self.start) / (self.stop - self.start), 0.0), 1.0)
        return self._mixed(share if self.shape == "linear" else (1 - math.cos(math.pi * share)) / 2)


@dataclass(frozen=True, eq=False)
class ValidationDriven(Schedule):
    """Weights that follow the recall on validation data: classes that are missed count more next time.

    After each validation ``update`` multiplies the weight of a class by exp(rate x (mean recall - its recall)). No
    weight leaves the range from 1 / ``limit`` to ``limit`` times its first value, so a class that cannot be learned
    cannot swallow the training. Every step is kept in ``history`` and logged.

    Parameters
    ----------
    weights : array-like of shape (n_classes,), or ClassWeights
        The weights to begin with.
    rate : float, default 0.5
    limit : float, default 4
        Above 1.

    Raises
    ------
    UsageError
        When the rate is not above 0, or the limit not above 1.

    Examples
    --------
    >>> schedule = ValidationDriven([1.0, 1.0], rate=1.0, limit=2.0)
    >>> schedule.update([0.9, 0.1]).round(3).tolist()
    [0.62, 1.38]
    >>> for _ in range(50):
    ...     bounded = schedule.update([0.9, 0.1])
    >>> bool(bounded.max() <= 2), bool(bounded.min() >= 0.5), len(schedule.history)
    (True, True, 51)
    """

    rate: float = field(default=0.5, kw_only=True)
    limit: float = field(default=4.0, kw_only=True)
    history: list[dict[str, Any]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 < self.rate < math.inf):
            raise UsageError(f"rate must be above 0, not {self.rate}")
        if not (1 < self.limit < math.inf):
            raise UsageError(f"limit must be above 1, not {self.limit}")

    def weights_at(self, epoch: int) -> Array:
        """Weights after the last update, whatever the epoch."""
        return np.array(self.history[-1]["weights"]) if self.history else self._mixed(1.0)

    def update(self, recall: ArrayLike) -> Array:
        """New weights, from the recall of each class on validation data.

        Parameters
        ----------
        recall : array-like of shape (n_classes,)
            From 0 to 1; NaN for a class without validation rows, whose weight moves with the mean only.

        Returns
        -------
        ndarray of float64, shape (n_classes,)

        Raises
        ------
        UsageError
            When there is not one recall per class.
        """
        first: Array = np.asarray(self.weights)
        seen = np.asarray(recall, dtype=np.float64)
        if seen.shape != first.shape or not (np.isnan(seen) | ((seen >= 0) & (seen <= 1))).all():
            raise UsageError(f"recall must be {len(first)} numbers from 0 to 1 or NaN, not {seen.tolist()}")
        known = ~np.isnan(seen)
        gap = np.where(known, (seen[known].mean() if known.any() else 0.0) - seen, 0.0)
        weights: Array = self.weights_at(0) * np.exp(self.rate * gap)
        # Bounds last: they are a promise. In between the sum is kept, so that the scale of the loss stays put.
        weights = np.clip(weights, first / self.limit, first * self.limit)
        weights = np.clip(weights * (first.sum() / weights.sum()), first / self.limit, first * self.limit)
        step = {"step": len(self.history), "recall": seen.tolist(), "weights": weights.tolist()}
        self.history.append(step)
        _log.info("class weights after validation %(step)d: %(weights)s (recall %(recall)s)", step)
        return weights

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on: plain lists, for JSON or a checkpoint."""
        return {"history": [dict(step) for step in self.history]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where :meth:`state_dict` was taken."""
        self.history[:] = [dict(step) for step in state["history"]]
