"""Pseudo-labels in the shares in which a first model expects the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.labelling._base import Array, Labelling
from steelyard.searched import Range, declared


@component
class ClassBalancedPseudoLabel(Labelling):
    """Training rows whose label is not known get one, of each class the surest, so that no class is left behind.

    A first model, as for ``pseudo_label``, expects so many rows of each class: the sum of its probabilities. Of these
    the ``share`` with the highest probabilities get the class, however low they are. A single threshold would be passed
    by rows of common classes alone. With several labels a row both having and not having a label are counted so.

    Parameters
    ----------
    share : float, default 0.7
        Of the rows expected of a class, how many get it; above 0, at most 1.

    Raises
    ------
    UsageError
        When the share is outside that range.

    References
    ----------
    Zou, Yu, Kumar, Wang, "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training",
    ECCV 2018: a threshold for each class, so that the same share of each is taken.

    Examples
    --------
    >>> proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])  # three rows and one are expected
    >>> ClassBalancedPseudoLabel(share=1.0).labels(proba, several=False).tolist()
    [0, 0, 0, 1]
    >>> ClassBalancedPseudoLabel(share=0.5).labels(proba[:, :1], several=True).ravel().tolist()
    [1.0, 1.0, nan, nan]
    """

    name = "class_balanced_pseudo_label"
    ranges = declared(share=Range(0.1, 1))

    share: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(f"class_balanced_pseudo_label: share must be above 0 and at most 1, not {self.share}")

    def labels(self, proba: Array, several: bool) -> NDArray[Any]:
        """Labels by the probabilities; see :meth:`Labelling.labels`."""
        if several:
            columns = [self._one_label(column) for column in proba.T]
            return np.column_stack(columns)
        found = np.full(len(proba), -1, dtype=np.int64)
        expected = proba.sum(axis=0)
        # Where two classes want a row, the rarer one has it.
        for code in np.argsort(-expected, kind="stable"):
            surest = np.argsort(-proba[:, code], kind="stable")
            found[surest[: round(self.share * float(expected[code]))]] = code
        return found

    def _one_label(self, proba: Array) -> Array:
        found = np.full(len(proba), np.nan)
        places = np.flatnonzero(~np.isnan(proba))
        surest, has = places[np.argsort(-proba[places], kind="stable")], float(proba[places].sum())
        found[surest[len(places) - round(self.share * (len(places) - has)) :]] = 0.0
        found[surest[: round(self.share * has)]] = 1.0
        return found
