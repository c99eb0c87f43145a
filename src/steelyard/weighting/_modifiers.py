"""What is done to raw class weights: boost, normalize, clip, in this order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError


def apply_boost(
    weights: NDArray[np.float64], classes: Sequence[Hashable], boost: Mapping[str, float]
) -> NDArray[np.float64]:
    """Weights multiplied by the factor of their class; a key that is the text of no class is an error."""
    texts = [str(name) for name in classes]
    for key in boost:
        if key not in texts:
            raise UsageError(f"boost names {key!r}, which is no class; the classes are {', '.join(texts[:20])}")
    boosted: NDArray[np.float64] = weights * np.array([boost.get(text, 1.0) for text in texts])
    return boosted


def apply_normalize(weights: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights scaled so that their mean, each class counting by its mass, is 1."""
    total = float(mass @ weights)
    if total <= 0:
        raise UsageError("every class that has rows has weight 0: nothing would be learned")
    scaled: NDArray[np.float64] = weights * (float(mass.sum()) / total)
    return scaled


def apply_clip(
    weights: NDArray[np.float64], clip: tuple[float, float], mass: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Weights clip(s * w) with the scale s for which their mean by mass is 1; plain clipping without mass.

    The mean grows with s and is linear between the scales at which a class meets a bound. The piece that
    holds the solution is found by bisection over those scales, and solved exactly.
    """
    low, high = clip
    if mass is None or ((weights >= low).all() and (weights <= high).all()):
        return np.clip(weights, low, high)
    inside = mass > 0
    part, share = weights[inside], mass[inside] / mass.sum()

    def mean(scale: float) -> float:
        return float(share @ np.clip(scale * part, low, high))

    moving = part[part > 0]
    knots = np.unique(np.concatenate([[0.0], low / moving, high / moving]))
    # A hair of tolerance: with low or high exactly 1 the mean only reaches 1 up to rounding.
    if mean(knots[-1]) < 1 - 1e-12:
        raise UsageError(
            f"clip=({low:g}, {high:g}) cannot have mean weight 1: classes of weight 0 hold it at "
            f"{mean(knots[-1]):.3g}; raise the upper bound"
        )
    left, right = 0, len(knots) - 1
    while right - left > 1:
        middle = (left + right) // 2
        left, right = (left, middle) if mean(knots[middle]) >= 1 else (middle, right)
    below, above = mean(knots[left]), mean(knots[right])
    fraction = 1.0 if above <= below else min(max((1 - below) / (above - below), 0.0), 1.0)
    scale = knots[left] + fraction * (knots[right] - knots[left])
    clipped: NDArray[np.float64] = np.clip(scale * weights, low, high)
    return clipped
