"""The weights of every scheme there is, and what each would do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard import registry
from steelyard.counts import LabelCounts
from steelyard.weighting import Weighting


@dataclass(frozen=True, eq=False)
class Scheme:
    """A weighting of these classes.

    Attributes
    ----------
    name : str
        Text form, as a strategy takes it.
    weights : ndarray of float64, shape (n_classes,)
        Weight of each class; the mean over the rows is 1.
    pull : float
        Weight of a row of the rarest class over that of a row of the commonest.
    rarest_share : float
        Share of the rarest class in the weighted sum of all rows; unweighted it is its share of the rows.
    effective_rows : float
        Unweighted rows that would carry as much information as the weighted ones (Kish 1965): what is left of the
        data when some rows count more than others.
    """

    name: str
    weights: NDArray[np.float64]
    pull: float
    rarest_share: float
    effective_rows: float

    @property
    def effect(self) -> str:
        """What the weights would do, in a sentence.

        Examples
        --------
        >>> print(class_weight_schemes(LabelCounts(("funny", "soccer"), np.array([5, 82])))["inverse"].effect)
        A row of the rarest class counts as 16.4 of the commonest; the class carries 50.0 % of the loss.
        """
        if abs(self.pull - 1) < 1e-9:
            return f"Every row counts the same; the rarest class carries {100 * self.rarest_share:.1f} % of the loss."
        return (
            f"A row of the rarest class counts as {self.pull:.3g} of the commonest; "
            f"the class carries {100 * self.rarest_share:.1f} % of the loss."
        )


def class_weight_schemes(counts: LabelCounts) -> dict[str, Scheme]:
    """Every weighting that needs nothing but counts, by its text form; the gentlest first.

    Found in the registry, so a scheme that is added is here too. Classes without rows are left aside where the
    rarest is meant.

    Examples
    --------
    >>> schemes = class_weight_schemes(LabelCounts(("funny", "soccer"), np.array([5, 80])))
    >>> list(schemes)[0], schemes["sqrt"].pull
    ('uniform', 4.0)
    """
    rows = counts.counts.astype(np.float64)
    present = np.flatnonzero(rows > 0)
    found = []
    for cls in registry.components("weighting").values():
        try:
            weighting = cls()
        except TypeError:
            # One that has to be told its weights.
            continue
        assert isinstance(weighting, Weighting)
        if weighting.following is not None:
            # Its weights are known once a model is being trained.
            continue
        weights = weighting.values(counts.classes, rows)
        mass = rows * weights
        rarest, commonest = present[rows[present].argmin()], present[rows[present].argmax()]
        found.append(
            Scheme(
                name=str(weighting),
                weights=weights,
                pull=float(weights[rarest] / weights[commonest]),
                rarest_share=float(mass[rarest] / mass.sum()),
                effective_rows=float(mass.sum() ** 2 / (mass * weights).sum()),
            )
        )
    return {scheme.name: scheme for scheme in sorted(found, key=lambda scheme: scheme.pull)}
