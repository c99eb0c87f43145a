"""Places for short labels beside points, so that labels cover neither each other nor the points."""

from __future__ import annotations

import math
from collections.abc import Sequence

Place = tuple[float, float]


def label_places(
    labelled: Sequence[Place], points: Sequence[Place], size: Place, within: Place, radius: float = 6.0
) -> list[Place]:
    """Centre of a label for each labelled point, in the order given (the first gets the best place).

    Parameters
    ----------
    labelled, points : sequences of (x, y)
        Pixel positions of the points to label, and of all points.
    size : (width, height)
        Room a label takes.
    within : (width, height)
        The plot; labels stay inside it.
    radius : float
        Radius of a point.

    Examples
    --------
    >>> label_places([(50, 50)], [(50, 50)], (10, 10), (100, 100))
    [(50.0, 37.0)]
    """
    taken: list[Place] = []
    for x, y in labelled:
        best, least = (x, y), math.inf
        for distance in (radius + 7, radius + 14, radius + 22, radius + 32, radius + 44):
            for step in range(16):
                angle = -math.pi / 2 + step * math.pi / 8
                place = (round(x + distance * math.cos(angle), 1), round(y + distance * math.sin(angle), 1))
                cost = distance / 10 + _crowding(place, points, taken, size, within, radius)
                if cost < least:
                    best, least = place, cost
        taken.append(best)
    return taken


def _crowding(
    place: Place, points: Sequence[Place], taken: Sequence[Place], size: Place, within: Place, radius: float
) -> float:
    x, y = place
    half_width, half_height = size[0] / 2, size[1] / 2
    cost = 0.0
    if not (half_width <= x <= within[0] - half_width and half_height <= y <= within[1] - half_height):
        cost += 100.0
    cost += 20.0 * sum(abs(x - px) < half_width + radius and abs(y - py) < half_height + radius for px, py in points)
    return cost + 40.0 * sum(abs(x - tx) < size[0] and abs(y - ty) < size[1] for tx, ty in taken)
