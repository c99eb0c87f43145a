"""Class counts, from whatever the caller has them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from steelyard.counts import LabelCounts, count_labels
from steelyard.errors import UsageError
from steelyard.losses.torch._base import as_vector


def as_counts(counts: Any) -> Tensor:
    """Rows of each class as float64 (n_classes,); a class without rows is taken to have one.

    Parameters
    ----------
    counts : LabelCounts, mapping from class to count, tensor, array or sequence of counts
        A mapping whose keys are class indices may leave out classes without rows. The classes of any other mapping
        are put into sorted order.

    Raises
    ------
    UsageError
        When counts are negative, not finite, or all 0.
    """
    if isinstance(counts, LabelCounts):
        counts = counts.counts
    elif isinstance(counts, Mapping):
        if counts and all(isinstance(key, int) and key >= 0 for key in counts):
            counts = [counts.get(place, 0) for place in range(max(counts) + 1)]
        else:
            counts = count_labels(counts).counts
    vector = as_vector("counts", counts)
    if vector is None or not bool((vector > 0).any()):
        raise UsageError("counts are missing or 0 for every class: give the number of training rows of each")
    vector = vector.to(torch.float64)
    # Shares instead of counts: below one row, so an absent class is taken to be as rare as the rarest.
    least = min(1.0, float(vector[vector > 0].min()))
    return torch.where(vector > 0, vector, least)
