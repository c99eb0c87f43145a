"""Limited-memory BFGS for many problems of one shape at once.

Each problem has a step length, a memory and an end of its own. Every number of a problem is computed from that
problem's numbers alone, by operations that do not look at how many problems stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
#: (points (k, size), which problems (k,)) -> (values (k,) float64, gradients (k, size)).
Evaluate = Callable[[Floats, NDArray[np.int64]], tuple[NDArray[np.float64], Floats]]
#: (vectors (k, size), which problems (k,)) -> a guess of each inverse Hessian times its vector: linear, symmetric.
Precondition = Callable[[Floats, NDArray[np.int64]], Floats]

#: Pairs that are remembered.
PAIRS = 10
_SHORTEST = 30


@dataclass
class Memory:
    """Steps and changes of the gradient of each problem, and their products.

    ``steps`` and ``changes`` have shape (n_problems, n_pairs, size), ``products`` holds step x change and ``squares``
    change x preconditioned change, of shape (n_problems, n_pairs, n_pairs). A pair that is not there, or was refused,
    is all zeros. ``oldest`` is the place of the oldest pair, which the next one takes.
    """

    steps: Floats
    changes: Floats
    products: NDArray[np.float64]
    squares: NDArray[np.float64]
    oldest: int = 0

    @classmethod
    def empty(cls, n_problems: int, size: int, dtype: Any) -> Memory:
        """Memory without pairs."""
        steps, changes = (np.zeros((n_problems, PAIRS, size), dtype=dtype) for _ in range(2))
        products, squares = (np.zeros((n_problems, PAIRS, PAIRS)) for _ in range(2))
        return cls(steps, changes, products, squares)

    def astype(self, dtype: Any) -> Memory:
        """Memory with pairs of another precision."""
        return Memory(self.steps.astype(dtype), self.changes.astype(dtype), self.products, self.squares, self.oldest)

    def take(self, rows: NDArray[Any]) -> Memory:
        """Memory of some of the problems; pairs stay in their places, as sums over them run in this order."""
        return Memory(self.steps[rows], self.changes[rows], self.products[rows], self.squares[rows], self.oldest)

    def by_age(self) -> NDArray[np.int64]:
        return (self.oldest + np.arange(PAIRS)) % PAIRS

    def add(self, step: Floats, change: Floats, preconditioned: Floats) -> None:
        """Put one more pair in the place of the oldest."""
        along = _dots(step, change)
        # A pair of no or negative curvature says nothing of the minimum.
        useful = along > 1e-10 * np.sqrt(_dots(step, step) * _dots(change, change))
        at = self.oldest
        np.multiply(step, useful[:, None], out=self.steps[:, at])
        np.multiply(change, useful[:, None], out=self.changes[:, at])
        self.products[:, :, at] = _times(self.steps, self.changes[:, at])
        self.products[:, at, :] = _times(self.changes, self.steps[:, at])
        self.squares[:, :, at] = self.squares[:, at, :] = _times(self.changes, preconditioned * useful[:, None])
        self.oldest = (at + 1) % PAIRS

    def direction(self, gradient: Floats, precondition: Callable[[Floats], Floats]) -> Floats:
        """Minus the inverse Hessian times the gradient (Byrd, Nocedal and Schnabel 1994, equation 2.6)."""
        order = self.by_age()
        products, squares = (part.take(order, axis=1).take(order, axis=2) for part in (self.products, self.squares))
        own, curvature = np.einsum("kii->ki", products), np.einsum("kii->ki", squares)
        upper = np.triu(products) + np.eye(PAIRS) * (own == 0)[:, :, None]
        last = np.where(own[:, -1] > 0, own[:, -1] / np.where(curvature[:, -1] > 0, curvature[:, -1], 1.0), 1.0)
        last = np.clip(last, 1e-3, 1e3)[:, None]
        first = precondition(gradient)
        along_steps = _times(self.steps, gradient).take(order, axis=1)
        along_changes = last * _times(self.changes, first).take(order, axis=1)
        a = np.linalg.solve(upper, along_steps[:, :, None])[:, :, 0]
        middle = own * a + last * np.matmul(squares, a[:, :, None])[:, :, 0] - along_changes
        b = np.linalg.solve(upper.transpose(0, 2, 1), middle[:, :, None])[:, :, 0]
        by_age = np.argsort(order)
        dtype = gradient.dtype
        out = last.astype(dtype) * (first - precondition(_combined(a.take(by_age, axis=1).astype(dtype), self.changes)))
        out += _combined(b.take(by_age, axis=1).astype(dtype), self.steps)
        found: Floats = -out
        return found


def _times(pairs: Floats, vector: Floats) -> NDArray[np.float64]:
    # Which routine multiplies, and so in which order it adds, must not depend on the strides of a single problem.
    vector = np.ascontiguousarray(vector)
    found: NDArray[np.float64] = np.matmul(pairs, vector[:, :, None])[:, :, 0].astype(np.float64)
    return found


def _combined(factors: Floats, pairs: Floats) -> Floats:
    found: Floats = np.matmul(factors[:, None, :], pairs)[:, 0]
    return found


def _dots(a: Floats, b: Floats) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.matmul(a[:, None, :], b[:, :, None])[:, 0, 0].astype(np.float64)
    return found


@dataclass
class Minima:
    """Where the search ended.

    Parameters
    ----------
    points : ndarray of shape (n_problems, size)
    memory : Memory
    iterations : ndarray of int64, shape (n_problems,)
    """

    points: Floats
    memory: Memory
    iterations: NDArray[np.int64]


@dataclass
class _Search:
    """The problems that are still being worked on."""

    problems: NDArray[np.int64]
    points: Floats
    values: NDArray[np.float64]
    gradients: Floats
    memory: Memory

    def take(self, rows: NDArray[Any]) -> _Search:
        memory = self.memory.take(rows)
        return _Search(self.problems[rows], self.points[rows], self.values[rows], self.gradients[rows], memory)


def minimise(
    evaluate: Evaluate,
    precondition: Precondition,
    start: Floats,
    *,
    tolerance: float,
    max_iter: int,
    memory: Memory | None = None,
) -> Minima:
    """Local minima of many smooth functions.

    Parameters
    ----------
    evaluate : callable
        Values and gradients of some of the problems, in the precision of ``start``.
    precondition : callable
        Guess of the inverse Hessians, applied to vectors.
    start : ndarray of float32 or float64, shape (n_problems, size)
    tolerance : float
        A problem is solved when the next full step is no longer than this times the length of the point, or this.
    max_iter : int
        Largest number of steps of a problem.
    memory : Memory, optional
        Pairs of an earlier search over the same problems.
    """
    rows = np.arange(len(start))
    values, gradients = evaluate(start, rows)
    memory = memory or Memory.empty(len(start), start.shape[1], start.dtype)
    search = _Search(rows, start.copy(), values, gradients, memory)
    points, iterations, ended = start.copy(), np.zeros(len(start), np.int64), []
    done = 0
    while len(search.problems):
        step = _direction(search, precondition)
        length, size = np.sqrt(_dots(step, step)), np.sqrt(_dots(search.points, search.points))
        over = (length <= tolerance * np.maximum(size, 1.0)) | (done == max_iter)
        if not over.any():
            search, over = _stepped(search, step, evaluate, precondition)
            # Steps are counted, not rounds: in a round in which another problem ends, this one makes none.
            done += 1
        if over.any():
            points[search.problems[over]] = search.points[over]
            iterations[search.problems[over]] = done
            ended.append((search.problems[over], search.memory.take(np.flatnonzero(over))))
            search = search.take(np.flatnonzero(~over))
    return Minima(points, _joined(ended, memory), iterations)


def _direction(search: _Search, precondition: Precondition) -> Floats:
    step = search.memory.direction(search.gradients, lambda vectors: precondition(vectors, search.problems))
    uphill = np.flatnonzero(_dots(step, search.gradients) >= 0)
    if len(uphill):
        step[uphill] = -precondition(search.gradients[uphill], search.problems[uphill])
    return step


def _stepped(
    search: _Search, step: Floats, evaluate: Evaluate, precondition: Precondition
) -> tuple[_Search, NDArray[np.bool_]]:
    """One step of every problem, shortened until the value falls; and which of them found none."""
    slope = _dots(step, search.gradients)
    noise = 4.0 * np.finfo(step.dtype).eps * np.abs(search.values)
    length = np.ones(len(step))
    points = search.points + step
    values, gradients = evaluate(points, search.problems)
    for _ in range(_SHORTEST):
        failed = np.flatnonzero(~(values <= search.values + 1e-4 * length * slope + noise))
        if not len(failed):
            break
        # Where a parabola through what is known has its minimum, within bounds.
        drop = -slope[failed] * length[failed]
        rise = np.where(np.isfinite(values[failed]), values[failed] - search.values[failed], np.inf)
        length[failed] *= np.clip(drop / (2.0 * (rise + drop)), 0.1, 0.5)
        points[failed] = search.points[failed] + length[failed, None].astype(step.dtype) * step[failed]
        values[failed], gradients[failed] = evaluate(points[failed], search.problems[failed])
    stuck = ~(values <= search.values + noise)
    points[stuck], values[stuck], gradients[stuck] = search.points[stuck], search.values[stuck], search.gradients[stuck]
    change = gradients - search.gradients
    search.memory.add(points - search.points, change, precondition(change, search.problems))
    return _Search(search.problems, points, values, gradients, search.memory), stuck


def _joined(parts: list[tuple[NDArray[np.int64], Memory]], like: Memory) -> Memory:
    """Memory of all problems, each with its oldest pair first."""
    whole = Memory.empty(len(like.steps), like.steps.shape[2], like.steps.dtype)
    for rows, memory in parts:
        order = memory.by_age()
        whole.steps[rows], whole.changes[rows] = memory.steps[:, order], memory.changes[:, order]
        square = slice(None), order[:, None], order
        whole.products[rows], whole.squares[rows] = memory.products[square], memory.squares[square]
    return whole
