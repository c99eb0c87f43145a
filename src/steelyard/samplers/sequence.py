"""Loader sampler that draws sequences by the geometric mean of their tokens' weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UsageError
from steelyard.labels import encode_labels, flatten
from steelyard.samplers._backend import index_dtype
from steelyard.samplers._groups import RowGroups
from steelyard.samplers._loader import LoaderSampler
from steelyard.samplers.weighted import WeightedSampler, checked_weights


class SequenceSampler(WeightedSampler):
    """Draws sequences with replacement, each in proportion to the geometric mean of its tokens' weights.

    The mean does not punish long sequences, as a product would: [0.1, 0.01] weighs 0.0316, one 0.1 and five 0.01
    weigh 0.0147, [0.01] weighs 0.01.

    Parameters
    ----------
    tags : sequence of sequences of tags, or array of shape (n_sequences, length)
    weights : mapping from tag to weight, optional
        By default one over the number of tokens with the tag.
    num_samples, seed, rank, world_size
        As in :class:`ClassBalancedSampler`.
    pad : tag or collection of tags, optional
        Padding, left out, as missing tags are. A sequence without any other token is never drawn.

    Raises
    ------
    DataError
        When a tag has no weight, or every sequence weighs 0.
    UsageError
        When a weight is no number of at least 0.

    Examples
    --------
    >>> sampler = SequenceSampler([["PER", "O"], ["O"]], {"PER": 0.1, "O": 0.01}, num_samples=1000)
    >>> sampler.weights.round(4)
    array([0.0316, 0.01  ])
    >>> sampler.audit().intended.round(3)
    array([0.568, 0.432])
    """

    _per_label: ClassVar[bool] = True

    def __init__(
        self,
        tags: Any,
        weights: Mapping[Any, float] | None = None,
        num_samples: int | None = None,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        *,
        pad: Any = None,
    ) -> None:
        flat, lengths = flatten(tags)
        encoded = encode_labels(flat)
        sequence = np.repeat(np.arange(len(lengths)), lengths)
        padding = set() if pad is None else set([pad] if isinstance(pad, str) or not hasattr(pad, "__iter__") else pad)
        table = np.array([name not in padding for name in encoded.classes] + [False])
        known = table[encoded.codes]
        codes, sequence = encoded.codes[known], sequence[known]
        self._tokens = np.bincount(sequence, minlength=len(lengths))
        counts = np.bincount(codes, minlength=len(encoded.classes))
        by_tag = _weights_of(encoded.classes, counts, weights)
        self.weights = _geometric_means(by_tag[codes], sequence, self._tokens)
        LoaderSampler.__init__(self, len(checked_weights(self.weights)), num_samples, seed, rank, world_size)
        present = np.flatnonzero(counts)
        order = sequence[np.argsort(codes, kind="stable")].astype(index_dtype(len(lengths)))
        offsets = np.concatenate([[0], np.cumsum(counts[present])]).astype(np.int64)
        classes = tuple(encoded.classes[code] for code in present.tolist())
        self._groups = RowGroups(classes, order, offsets, len(lengths), several=True)
        self._set_weights(self.weights)


def _geometric_means(
    values: NDArray[np.float64], sequence: NDArray[np.int64], tokens: NDArray[np.int64]
) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):  # a token of weight 0 makes the sequence's weight 0, as the product does
        sums = np.bincount(sequence, weights=np.log(values), minlength=len(tokens))
    return np.where(tokens > 0, np.exp(sums / np.maximum(tokens, 1)), 0.0)


def _weights_of(
    classes: tuple[Any, ...], counts: NDArray[np.int64], weights: Mapping[Any, float] | None
) -> NDArray[np.float64]:
    if weights is None:
        return 1.0 / np.maximum(counts, 1)
    if not isinstance(weights, Mapping):
        raise UsageError(f"weights must be a mapping from tag to weight, not a {type(weights).__name__}")
    values = np.ones(len(classes))
    for code, name in enumerate(classes):
        if not counts[code]:
            continue
        if name not in weights:
            known = ", ".join(repr(key) for key in list(weights)[:10])
            raise DataError(f"tag {name!r} has no weight; there are weights for {known or 'no tag'}")
        weight: Any = weights[name]
        number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
        if not number or not 0 <= weight < np.inf:
            raise UsageError(f"weight of tag {name!r} must be finite and not below 0, not {weight!r}")
        values[code] = weight
    return values
