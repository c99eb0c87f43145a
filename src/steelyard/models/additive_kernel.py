"""Logistic regression on the mean of one Gaussian kernel for each family of columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.models._base import Array, Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models.linear import FittedLinear, Linear
from steelyard.searched import Range, declared

#: Widths that are mixed, in units of the family's mean squared distance.
_WIDTHS = (1.0, 2.0, 4.0)
_SMALLEST = 1e-10


@component
class AdditiveKernel(Model):
    """Logistic regression on a sum of Gaussian kernels, one for each family of columns.

    A family holds the columns of one origin: the categories of a column, or columns named alike but for a number at
    the end, as the descriptors of an image are (``shape 0``, ``shape 1``). Two rows are alike as far as some of their
    families are, where one Gaussian kernel over all columns asks that all of them are (multiple kernel learning with
    even shares; Gehler and Nowozin, ICCV 2009). Strong on few rows with many descriptors. Distances are taken to some
    of the training rows, drawn by lot (Williams and Seeger 2001), and scaled by their mean in the family.

    Parameters
    ----------
    n_components : int, default 500
        Training rows that distances are taken to.
    C : float, default 300
        Inverse strength of the penalty.
    max_iter : int, default 200
        Largest number of L-BFGS iterations.

    Raises
    ------
    UsageError
        When a parameter is not positive.
    """

    name = "additive_kernel"
    ranges = declared(C=Range(1, 10000, "log"))
    encoding: ClassVar[Encoding] = "onehot"

    n_components: int = 500
    C: float = 300.0
    max_iter: int = 200

    def __post_init__(self) -> None:
        if not self.n_components >= 1 or not self.C > 0 or not self.max_iter >= 1:
            raise UsageError("additive_kernel: n_components, C and max_iter must be positive")

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        rng = np.random.default_rng(task.seed)
        landmarks = np.ascontiguousarray(task.X[rng.permutation(len(task.X))[: self.n_components]])
        families = np.zeros(task.X.shape[1], dtype=np.int64) if task.families is None else task.families
        scales = np.array([part.mean() for part in _distances(landmarks, landmarks, families)])
        # Columns that never vary are no reason to call rows alike.
        scales = np.where(scales > 0, scales, np.inf)
        values, vectors = np.linalg.eigh(additive_kernel(landmarks, landmarks, families, scales))
        kept = values > _SMALLEST * values[-1]
        root = vectors[:, kept] / np.sqrt(values[kept])
        mapped = replace(task, X=additive_kernel(task.X, landmarks, families, scales) @ root)
        fitted = Linear(C=self.C, max_iter=self.max_iter).fit(mapped)
        assert isinstance(fitted, FittedLinear)
        return FittedAdditiveKernel(landmarks, families, scales, root, fitted)

    def restore(self, state: ModelState) -> FittedModel:
        """Fitted model from its state."""
        arrays, linear = state.arrays, Linear().restore(state)
        return FittedAdditiveKernel(arrays["landmarks"], arrays["families"], arrays["scales"], arrays["root"], linear)


def _distances(X: Array, landmarks: Array, families: NDArray[np.int64]) -> list[Array]:
    """Squared distances (n_rows, n_landmarks) within each family."""
    found = []
    for family in range(families.max(initial=-1) + 1):
        columns = np.flatnonzero(families == family)
        rows, ground = X[:, columns], landmarks[:, columns]
        squared = (rows**2).sum(axis=1)[:, None] + (ground**2).sum(axis=1) - 2.0 * (rows @ ground.T)
        found.append(np.maximum(squared, 0.0))
    return found


def additive_kernel(X: Array, landmarks: Array, families: NDArray[np.int64], scales: Array) -> Array:
    """Mean over families, and over three widths, of Gaussian kernels.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    landmarks : ndarray of shape (n_landmarks, n_columns)
    families : ndarray of int64, shape (n_columns,)
        Number of each column's family, from 0.
    scales : ndarray of shape (n_families,)
        Squared distance that counts as 1 in a family; infinite leaves the family out.

    Returns
    -------
    ndarray of shape (n_rows, n_landmarks)
        Between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 5.0], [0.0, 0.0]])
    >>> additive_kernel(X, X, np.array([0, 1]), np.ones(2)).round(2)
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    total = np.zeros((len(X), len(landmarks)))
    used = np.isfinite(scales)
    for squared, scale in zip(_distances(X, landmarks, families), scales, strict=True):
        if np.isfinite(scale):
            total += sum(np.exp(-width / scale * squared) for width in _WIDTHS)
    return total / max(int(used.sum()) * len(_WIDTHS), 1)


@dataclass(frozen=True)
class FittedAdditiveKernel:
    """Landmark rows, the families and their scales, the map that decorrelates the kernel, and the linear model."""

    landmarks: Array
    families: NDArray[np.int64]
    scales: Array
    root: Array
    linear: FittedLinear

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        return self.linear.predict_proba(additive_kernel(X, self.landmarks, self.families, self.scales) @ self.root)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        state = self.linear.to_state()
        own = {"landmarks": self.landmarks, "families": self.families, "scales": self.scales, "root": self.root}
        return ModelState(state.meta, {**state.arrays, **own})
