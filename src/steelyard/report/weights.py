"""The weights of every scheme for the classes of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steelyard.counts import LabelCounts
from steelyard.inspection import Scheme, class_weight_schemes
from steelyard.report.distribution import ClassCount


@dataclass(frozen=True)
class Weights:
    """Schemes, the gentlest first, and the classes' weights under each, common classes first."""

    schemes: tuple[Scheme, ...]
    rows: tuple[tuple[ClassCount, tuple[float, ...]], ...]


def weights(classes: Sequence[ClassCount]) -> Weights | None:
    """Weights of every scheme there is; None where fewer than two classes have rows."""
    counts = np.array([item.count for item in classes])
    if (counts > 0).sum() < 2:
        return None
    schemes = tuple(class_weight_schemes(LabelCounts(tuple(range(len(classes))), counts)).values())
    rows = tuple(
        (item, tuple(float(scheme.weights[place]) for scheme in schemes)) for place, item in enumerate(classes)
    )
    return Weights(schemes, rows)
