"""A loss as boosted trees take it: by margins, with second derivatives that are safe to divide by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, Loss

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

#: Share of cross-entropy's second derivative under which none is let, see :class:`MarginLoss`. At 1 a step is never
#: longer than that of cross-entropy with the same gradient; at 0.1 LightGBM's focal trees diverged on a real table.
HESSIAN_FLOOR = 1.0
# What LightGBM and XGBoost themselves put in place of 0.
_TINY = 1e-16
_ABSENT = 1e-15


@dataclass(frozen=True)
class MarginLoss:
    """A loss bound to the rows that trees are grown on.

    A margin is what trees add up to: one number per row for two classes (the log-odds of the second), one per row
    and class for more. A second derivative is let fall no lower than ``floor * |g| * (1 - |y - p|)``, with the
    gradient g, y 1 for the true class and 0 for the others: for cross-entropy that is ``floor * p (1 - p)``, so it
    changes nothing there. Focal loss is not convex; without a floor its sums in a leaf come near 0 or below, and the
    leaf's value (gradient over second derivative) is as large as you like, or of the wrong sign.

    Parameters
    ----------
    loss : Loss
    counts : ndarray of shape (n_classes,)
        Training rows of each class.
    mass : ndarray of shape (n_classes,)
        Their total weight.
    factor : float
        What the library multiplies the second derivatives of its own softmax objective by.
    floor : float, default 1

    Raises
    ------
    UsageError
        When the floor is not above 0 and at most 1.
    """

    loss: Loss
    counts: Array
    mass: Array
    factor: float = 1.0
    floor: float = HESSIAN_FLOOR

    def __post_init__(self) -> None:
        if not 0 < self.floor <= 1:
            raise UsageError(f"hessian_floor must be above 0 and at most 1, not {self.floor}")

    @classmethod
    def of_rows(cls, loss: Loss, codes: Codes, weight: Array, factor: float) -> MarginLoss | None:
        """Loss bound to rows of these classes; None for cross-entropy, which the libraries have themselves."""
        if loss == CrossEntropyLoss():
            return None
        counts = np.bincount(codes).astype(np.float64)
        mass = np.bincount(codes, weights=weight, minlength=len(counts)).astype(np.float64)
        return cls(loss, counts, mass, factor)

    @property
    def n_classes(self) -> int:
        """Number of classes, absent ones included."""
        return len(self.counts)

    @cached_property
    def start(self) -> Array:
        """Margins without any tree, shape (n_classes,), or (1,) for two classes: the best constant."""
        prior = np.log(np.maximum(self.mass / self.mass.sum(), _ABSENT))
        first = prior[1:] - prior[0] if self.n_classes == 2 else prior
        return _lowest(self._constant, first)

    def value(self, margins: Array, codes: Codes) -> Array:
        """Loss of each row: (n,)."""
        return self._bound(logits_of(margins), codes)[0]

    def derivatives(self, margins: Array, codes: Codes, weight: Array | None = None) -> tuple[Array, Array]:
        """Gradient and floored second derivative of ``weight * loss`` by the margins, in their shape.

        Parameters
        ----------
        margins : ndarray of shape (n_rows,) for two classes, (n_rows, n_classes) for more
        codes : ndarray of shape (n_rows,)
        weight : ndarray of shape (n_rows,), optional

        Returns
        -------
        gradient, hessian : ndarray of float64
            For more than two classes the second derivative is multiplied by ``factor``.
        """
        columns = margins[:, None] if margins.ndim == 1 else margins
        logits = logits_of(columns)
        _, gradient = self._bound(logits, codes)
        distance = probabilities_of(logits)
        distance[np.arange(len(codes)), codes] -= 1.0
        least = self.floor * np.abs(gradient) * (1.0 - np.abs(distance))
        hessian = np.maximum(self._curvature(logits, codes), least)
        if columns.shape[1] > 1:
            hessian *= self.factor
        times = np.ones((len(codes), 1)) if weight is None else weight[:, None]
        # Two classes have one margin: the logit of the second.
        gradient, hessian = (part[:, -columns.shape[1] :] * times for part in (gradient, hessian))
        return gradient.reshape(margins.shape), np.maximum(hessian, _TINY).reshape(margins.shape)

    @cached_property
    def _bound(self) -> Callable[[Array, Codes], tuple[Array, Array]]:
        return self.loss.bind(self.counts / self.counts.sum())

    @cached_property
    def _curvature(self) -> Callable[[Array, Codes], Array]:
        return self.loss.bind_curvature(self.counts / self.counts.sum())

    def _constant(self, margins: Array) -> tuple[float, Array]:
        """Mean loss when every row has these margins, and its gradient."""
        codes = np.flatnonzero(self.mass)
        share = self.mass[codes] / self.mass.sum()
        loss, gradient = self._bound(logits_of(np.tile(margins, (len(codes), 1))), codes)
        return float(share @ loss), share @ gradient[:, -len(margins) :]


def logits_of(margins: Array) -> Array:
    """Logits (n_rows, n_classes): two classes have one margin, and 0 stands beside it."""
    columns = margins[:, None] if margins.ndim == 1 else margins
    return np.hstack([np.zeros_like(columns), columns]) if columns.shape[1] == 1 else columns


def probabilities_of(margins: Array) -> Array:
    """Probabilities (n_rows, n_classes) from margins (n_rows,) or (n_rows, n_classes)."""
    logits = logits_of(np.asarray(margins, dtype=np.float64))
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba: Array = e / e.sum(axis=1, keepdims=True)
    return proba


def _lowest(function: Callable[[Array], tuple[float, Array]], first: Array) -> Array:
    """Where a smooth function of few numbers is lowest; exactly ``first`` where that is stationary already."""
    if np.abs(function(first)[1]).max() < 1e-9:
        return first
    from scipy.optimize import minimize

    found = minimize(function, first, jac=True, method="BFGS", options={"gtol": 1e-10})
    best: Array = found.x if found.fun <= function(first)[0] else first
    return best
