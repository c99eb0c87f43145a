"""Labels as they are given: the neutral labelling."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.labelling._base import Array, Labelling


@component
class AsGiven(Labelling):
    """What is not known is not trained on.

    Examples
    --------
    >>> AsGiven().labels(np.array([[0.99, 0.01]]), several=False).tolist()
    [-1]
    """

    name = "as_given"
    gives: ClassVar[bool] = False

    def labels(self, proba: Array, several: bool) -> NDArray[Any]:
        """Nothing known; see :meth:`Labelling.labels`."""
        return np.full(proba.shape, np.nan) if several else np.full(len(proba), -1, dtype=np.int64)
