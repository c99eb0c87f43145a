"""What every weighting is: a raw scheme with three modifiers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, FrozenMap, component
from steelyard.errors import UsageError
from steelyard.weighting._modifiers import apply_boost, apply_clip, apply_normalize

Normalize = Literal["samples", "classes"]


@component
class Weighting(Component):
    """Class weights from label counts: a raw scheme, then ``boost``, then ``normalize``, then ``clip``.

    A scheme implements :meth:`raw`, or :meth:`raw_by_class` when the classes' names or their absence matter.

    Parameters
    ----------
    boost : mapping from class to factor, optional
        Weights multiplied after the raw scheme. A key stands for the class of that text (``str(class)``).
    clip : (low, high), optional
        Range of the weights. They are scaled so that their mean over what ``normalize`` names is still 1
        after clipping; bounds that make that impossible are an error.
    normalize : {"samples", "classes", None}, default "samples"
        "samples": the mean weight over the training rows is 1, so the scale of the loss stays put. "classes":
        the weights of the classes with rows sum to their number. None: the raw scheme.
    defer : float, default 0
        Share of the training that goes by before the weights hold, from 0 to below 1: deferred re-weighting (Cao et
        al. 2019, algorithm 1, which takes 0.8). For models that pass over the rows several times.
    """

    kind = "weighting"
    boost: Mapping[str, float] | None = dataclasses.field(default=None, kw_only=True)
    clip: tuple[float, float] | None = dataclasses.field(default=None, kw_only=True)
    normalize: Normalize | None = dataclasses.field(default="samples", kw_only=True)
    defer: float = dataclasses.field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        if self.boost is not None:
            object.__setattr__(self, "boost", factors("boost", self.boost, zero=False) or None)
        if self.normalize not in ("samples", "classes", None):
            raise UsageError(f"normalize must be samples, classes or none, not {self.normalize!r}")
        if self.clip is not None:
            object.__setattr__(self, "clip", _bounds(self.clip, self.normalize))
        if not 0 <= self.defer < 1:
            raise UsageError(f"defer must be from 0 to below 1, not {self.defer!r}")

    @property
    def following(self) -> tuple[float, float] | None:
        """Rate and limit at which the weights follow the recall on held-out rows; None for weights that stay."""
        return None

    @property
    def in_passes(self) -> bool:
        """Whether the weights change during training, so that it has to be done in several passes."""
        return bool(self.defer) or self.following is not None

    def _text_params(self) -> dict[str, Any]:
        # normalize=None differs from its default and so must be said; a scheme's own parameters come first.
        shown = super()._text_params()
        if self.normalize is None:
            shown["normalize"] = None
        shared = [field.name for field in dataclasses.fields(Weighting)]
        own = {key: value for key, value in shown.items() if key not in shared}
        return own | {key: shown[key] for key in shared if key in shown}

    def raw(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights before the modifiers.

        Parameters
        ----------
        counts : ndarray of float64, shape (n_classes,)
            Rows of each class, all above 0: a class without rows is given one.

        Returns
        -------
        ndarray of float64, shape (n_classes,)
        """
        raise NotImplementedError(f"{type(self).__name__} has to implement raw or raw_by_class")

    def raw_by_class(self, classes: Sequence[Hashable], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights before the modifiers, from the classes and their true counts, which may be 0."""
        return self.raw(at_least_one(counts))

    def values(self, classes: Sequence[Hashable], counts: Any) -> NDArray[np.float64]:
        """Class weights, in the order of ``classes``.

        Parameters
        ----------
        classes : sequence of n_classes labels
        counts : array-like of shape (n_classes,)
            Rows of each class. A class without rows gets the weight it would have with one (no warning is
            given) and stays outside every normalising sum.

        Returns
        -------
        ndarray of float64, shape (n_classes,)

        Raises
        ------
        UsageError
            When ``boost`` names a class that does not exist, or ``clip`` cannot be met.
        """
        rows = np.asarray(counts, dtype=np.float64)
        if rows.shape != (len(classes),):
            raise UsageError(f"counts have shape {rows.shape}, but there are {len(classes)} classes")
        weights = np.asarray(self.raw_by_class(classes, rows), dtype=np.float64)
        if self.boost:
            weights = apply_boost(weights, classes, self.boost)
        mass = (rows if self.normalize == "samples" else (rows > 0).astype(np.float64)) if rows.any() else rows + 1
        if self.normalize is not None:
            weights = apply_normalize(weights, mass)
        if self.clip is not None:
            weights = apply_clip(weights, self.clip, None if self.normalize is None else mass)
        return weights

    def label_values(self, classes: Sequence[Hashable], counts: Any, known: Any) -> NDArray[np.float64]:
        """Weight of a label where a row has it, against 1 where it has it not; for several labels a row.

        By default the class weights of the labels.

        Parameters
        ----------
        classes : sequence of n_labels labels
        counts : array-like of shape (n_labels,)
            Rows that have each label.
        known : array-like of shape (n_labels,)
            Rows for which it is known.

        Returns
        -------
        ndarray of float64, shape (n_labels,)
        """
        return self.values(classes, counts)


def at_least_one(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts with 1 for a class that has none, so that its weight is finite."""
    return np.where(counts == 0, 1.0, counts)


def factors(what: str, given: Any, zero: bool) -> FrozenMap:
    """Mapping from class text to a finite factor, in sorted order so that equal ones have one text form."""
    if not isinstance(given, Mapping):
        raise UsageError(f"{what} must be a mapping from class to number, not {given!r}")
    for name, factor in given.items():
        if isinstance(factor, bool) or not isinstance(factor, (int, float, np.integer, np.floating)):
            raise UsageError(f"{what} of {name!r} must be a number, not {factor!r}")
        if not math.isfinite(factor) or factor < 0 or (factor == 0 and not zero):
            raise UsageError(
                f"{what} of {name!r} must be finite and {'not below' if zero else 'above'} 0, not {factor}"
            )
    return FrozenMap({key: float(factor) for key, factor in sorted((str(key), given[key]) for key in given)})


def _bounds(clip: Any, normalize: str | None) -> tuple[float, float]:
    try:
        low, high = (float(bound) for bound in clip)
    except (TypeError, ValueError):
        raise UsageError(f"clip must be two numbers (low, high), not {clip!r}") from None
    if not (0 <= low <= high and 0 < high < math.inf):
        raise UsageError(f"clip must be two finite numbers with 0 <= low <= high, not ({low:g}, {high:g})")
    if normalize is not None and not low <= 1 <= high:
        raise UsageError(
            f"clip=({low:g}, {high:g}) excludes the mean weight 1: widen it, or clip raw weights with normalize=None"
        )
    return low, high
