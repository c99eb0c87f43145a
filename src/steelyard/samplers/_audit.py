"""What a sampler was built to draw, and what it drew."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Audit:
    """Class shares of the data, of the draws intended, and of the draws made.

    Attributes
    ----------
    classes : tuple
        The classes that have rows; None is the rows without any label, where a row may have several.
    data, intended, realised : ndarray of float64, shape (n_classes,)
        Share of the rows (of the tokens, in a :class:`SequenceSampler`) that are of the class: in the data, in
        the long run of draws, and in the draws audited. Where a row may have several labels each is the share of
        rows that have the label, and they need not add up to 1.
    counts : ndarray of int64, shape (n_classes,)
        Rows (tokens) of the class among the draws audited.
    draws : int
        Draws audited.
    distinct : int
        Different rows among them.
    """

    classes: tuple[Hashable, ...]
    data: NDArray[np.float64]
    intended: NDArray[np.float64]
    realised: NDArray[np.float64]
    counts: NDArray[np.int64]
    draws: int
    distinct: int

    @property
    def largest_gap(self) -> float:
        """Largest difference between a realised and an intended share."""
        return float(np.abs(self.realised - self.intended).max())

    def as_dict(self) -> dict[Hashable, dict[str, float]]:
        """Shares and count of each class by name."""
        columns = zip(self.data, self.intended, self.realised, self.counts, strict=True)
        return {
            name: {"data": float(data), "intended": float(meant), "realised": float(seen), "count": int(count)}
            for name, (data, meant, seen, count) in zip(self.classes, columns, strict=True)
        }

    def __str__(self) -> str:
        names = ["class", *(str(name) for name in self.classes)]
        width = max(map(len, names))
        lines = [f"{names[0]:<{width}}  {'data':>8}  {'intended':>8}  {'realised':>8}  {'count':>10}"]
        for name, row in zip(names[1:], self.as_dict().values(), strict=True):
            shares = "  ".join(f"{row[key]:8.4f}" for key in ("data", "intended", "realised"))
            lines.append(f"{name:<{width}}  {shares}  {int(row['count']):>10}")
        return "\n".join([*lines, f"{self.draws} draws of {self.distinct} different rows"])
