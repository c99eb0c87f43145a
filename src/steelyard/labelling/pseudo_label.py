"""Pseudo-labels: what a first model is sure of, a second one learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.labelling._base import Array, Labelling
from steelyard.searched import Range, declared


@component
class PseudoLabel(Labelling):
    """Training rows whose label is not known get that of which a first model is sure, and are trained on with it.

    The first model is of the same kind, trained on the known labels of the training rows without weights, draws or
    another loss, so that its probabilities are not tilted. With several labels a row each one that is not known
    becomes 1 from ``threshold`` on, and 0 from ``1 - threshold`` down. The strategy then holds for given and pseudo
    labels alike. Common labels are easier to be sure of, so their share grows as a rule: the report counts them.

    Parameters
    ----------
    threshold : float, default 0.9
        Probability from which a label is given; above 0.5, at most 1.

    Raises
    ------
    UsageError
        When the threshold is outside that range.

    References
    ----------
    Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks", ICML
    workshop on challenges in representation learning, 2013.

    Examples
    --------
    >>> rule = PseudoLabel(threshold=0.8)
    >>> rule.labels(np.array([[0.9, 0.1], [0.6, 0.4]]), several=False).tolist()
    [0, -1]
    >>> rule.labels(np.array([[0.9, 0.1, 0.5]]), several=True).tolist()
    [[1.0, 0.0, nan]]
    """

    name = "pseudo_label"
    ranges = declared(threshold=Range(0.6, 0.99))

    threshold: float = 0.9

    def __post_init__(self) -> None:
        if not 0.5 < self.threshold <= 1:
            raise UsageError(f"pseudo_label: threshold must be above 0.5 and at most 1, not {self.threshold}")

    def labels(self, proba: Array, several: bool) -> NDArray[Any]:
        """Labels by the probabilities; see :meth:`Labelling.labels`."""
        if several:
            # 1 - 0.9 is a little more than 0.1, which would let through what is just too unsure.
            return np.where(proba >= self.threshold, 1.0, np.where(1.0 - proba >= self.threshold, 0.0, np.nan))
        best = proba.argmax(axis=1)
        sure = proba[np.arange(len(proba)), best] >= self.threshold
        return np.where(sure, best, -1).astype(np.int64)
