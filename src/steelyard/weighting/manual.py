"""Weights given by hand."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.weighting._base import Weighting, factors


@component
class Manual(Weighting):
    """The weight given for each class; every class must be named, and nothing else.

    The weights are normalised like those of any scheme; ``normalize=None`` takes them as they are.

    Parameters
    ----------
    weights : mapping from class to weight
        Finite, not below 0. A key stands for the class of that text (``str(class)``).

    Examples
    --------
    >>> Manual({"soccer": 1, "funny": 3}, normalize=None).values(("funny", "soccer"), [5, 82])
    array([3., 1.])
    """

    name = "manual"
    shown = ("weights",)
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "weights", factors("weight", self.weights, zero=True))

    def raw_by_class(self, classes: Sequence[Hashable], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The given weights in the order of ``classes``, shape (n_classes,)."""
        texts = [str(name) for name in classes]
        if missing := [text for text in texts if text not in self.weights]:
            raise UsageError(f"manual weights are missing for the classes {', '.join(missing)}")
        if unknown := [key for key in self.weights if key not in texts]:
            raise UsageError(
                f"manual weights name {', '.join(unknown)}, which is no class; the classes are {', '.join(texts[:20])}"
            )
        return np.array([self.weights[text] for text in texts], dtype=np.float64)
