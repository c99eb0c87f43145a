"""Newton's method for problems of few coefficients: a handful of steps, each with the whole Hessian."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Point (size,) -> (value, gradient (size,)).
Evaluate = Callable[[Array], tuple[float, Array]]
#: (point (size,), convex) -> Hessian (size, size); if ``convex``, without what could make it indefinite.
Hessian = Callable[[Array, bool], Array]

_SHORTEST = 30


def newton(
    evaluate: Evaluate, hessian: Hessian, start: Array, *, tolerance: float, max_iter: int
) -> tuple[Array, bool]:
    """Minimum of a smooth function, and whether it was found.

    Steps are halved until the value falls (Nocedal and Wright 2006, algorithm 3.2). Where the Hessian is not positive
    definite, its convex part is used.

    Parameters
    ----------
    evaluate, hessian : callable
    start : ndarray of shape (size,)
    tolerance : float
        The step before the last is no longer than this times the length of the point, or this; since the error is
        squared by a step, the point is much nearer than that.
    max_iter : int

    Examples
    --------
    >>> def value(x):
    ...     return float(np.cosh(x).sum()), np.sinh(x)
    >>> start = np.array([1.0, -2.0])
    >>> point, found = newton(value, lambda x, convex: np.diag(np.cosh(x)), start, tolerance=1e-6, max_iter=20)
    >>> found, bool(np.abs(point).max() < 1e-12)
    (True, True)
    """
    point = start
    value, gradient = evaluate(point)
    for _ in range(max_iter):
        step = _step(hessian, point, gradient)
        if step is None:
            return point, False
        slope, noise = float(step @ gradient), 4 * np.finfo(float).eps * abs(value)
        length = 1.0
        for _ in range(_SHORTEST):
            reached = point + length * step
            new, there = evaluate(reached)
            if new <= value + 1e-4 * length * slope + noise:
                break
            length /= 2
        else:
            return point, False
        near = length == 1.0 and np.linalg.norm(step) <= tolerance * max(float(np.linalg.norm(point)), 1.0)
        point, value, gradient = reached, new, there
        if near:
            return point, True
    return point, False


def _step(hessian: Hessian, point: Array, gradient: Array) -> Array | None:
    """Newton's step; None where no Hessian can be divided by."""
    for convex in (False, True):
        bend = hessian(point, convex)
        try:
            # It raises where the Hessian is not positive definite. To divide by its factor would take SciPy, whose
            # import takes longer than most searches.
            np.linalg.cholesky(bend)
            step: Array = np.linalg.solve(bend, -gradient).astype(np.float64)
        except np.linalg.LinAlgError:
            continue
        if np.isfinite(step).all() and step @ gradient <= 0:
            return step
    return None
