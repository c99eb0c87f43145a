"""What a labelling is to the engine."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component, component

Array = NDArray[np.float64]


@component
class Labelling(Component):
    """A rule that says which of the labels that are not known are trained on all the same."""

    kind: ClassVar[str] = "labelling"
    #: Whether it gives any label, so that a first model is to be trained for it.
    gives: ClassVar[bool] = True

    def labels(self, proba: Array, several: bool) -> NDArray[Any]:
        """Labels by the probabilities of a model that was trained on the known ones.

        Parameters
        ----------
        proba : ndarray of shape (n_rows, n_classes)
            With several labels, NaN where a label is known.
        several : bool
            Whether a row may have several labels.

        Returns
        -------
        ndarray of int64, shape (n_rows,), or of float64, shape (n_rows, n_classes)
            Class of each row, -1 where it stays unknown; or, with several labels, 1, 0 and NaN.
        """
        raise NotImplementedError
