"""Loader sampler for clips cut from videos: long videos do not swamp short ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.labels import encode_labels, native
from steelyard.samplers.weighted import WeightedSampler, checked_weights


class DurationWeightedSampler(WeightedSampler):
    """Draws rows (clips) with replacement so that a video's share does not grow with its length.

    A draw takes a class (where labels are given, each as likely), then one of its videos in proportion to
    duration^power, then one of its clips in proportion to the clip's duration.

    Parameters
    ----------
    durations : array-like of shape (n_rows,)
        Length of each row in any unit: seconds, frames. Rows of length 0 are never drawn.
    num_samples, seed, rank, world_size
        As in :class:`ClassBalancedSampler`.
    videos : array-like of shape (n_rows,), optional
        Video that each row was cut from; by default every row is a video of its own.
    labels : array-like of shape (n_rows,), optional
        Class of each row; rows without one are never drawn. By default classes are not balanced.
    power : float, default 0.0
        0: each video as often as any other; 1: each second of film as often; 0.5 is between them.

    Raises
    ------
    DataError
        When a duration is negative, infinite or NaN, all are 0, or lengths differ.

    Examples
    --------
    >>> sampler = DurationWeightedSampler([30.0, 30.0, 30.0, 5.0], videos=["a", "a", "a", "b"])
    >>> sampler.weights.round(3)
    array([0.167, 0.167, 0.167, 0.5  ])
    """

    def __init__(
        self,
        durations: Any,
        num_samples: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        *,
        videos: Any = None,
        labels: Any = None,
        power: float = 0.0,
    ) -> None:
        given: Any = power  # what a user passes may be of any type
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
            raise UsageError(f"power must be a finite number, not {power!r}")
        lengths = checked_weights(durations, "duration")
        lengths = lengths / lengths.max()
        n_rows = len(lengths)
        video = np.arange(n_rows) if videos is None else _codes(videos, n_rows, "videos")
        kind = np.zeros(n_rows, np.int64) if labels is None else _codes(labels, n_rows, "labels")
        # A video with clips of two classes counts as one video in each.
        pairs = np.unique(np.stack([kind, video]), axis=1, return_inverse=True)
        drawn = (video >= 0) & (kind >= 0) & (lengths > 0)
        self.weights = _weights(np.where(drawn, lengths, 0.0), pairs[1].ravel(), pairs[0][0], power)
        super().__init__(self.weights, num_samples, seed, rank, world_size, labels=labels)

    @classmethod
    def from_dataset(cls, dataset: Any, labels: Any = None, **options: Any) -> Any:
        """Not offered: it would have to find durations; take the rows of a subset from them yourself."""
        raise UsageError("DurationWeightedSampler takes durations: pass those of the dataset's rows to the class")


def _codes(values: Any, n_rows: int, name: str) -> NDArray[np.int64]:
    codes = encode_labels(native(values)).codes
    if len(codes) != n_rows:
        raise DataError(f"{len(codes)} {name} for {n_rows} durations: every row needs both")
    return codes


def _weights(
    lengths: NDArray[np.float64], group: NDArray[np.int64], kind_of_group: NDArray[np.int64], power: float
) -> NDArray[np.float64]:
    total = np.bincount(group, weights=lengths)
    share = np.where(total > 0, np.where(total > 0, total, 1.0) ** power, 0.0)
    code = kind_of_group - kind_of_group.min()
    by_class = np.bincount(code, weights=share)
    share = share / np.where(by_class > 0, by_class, 1.0)[code]
    weights: NDArray[np.float64] = lengths * (share / np.where(total > 0, total, 1.0))[group]
    if not weights.sum() > 0:
        raise DataError("no row has a video, a label and a duration above 0, so there is nothing to draw")
    weights /= weights.sum()
    return weights
