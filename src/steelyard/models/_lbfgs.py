"""Limited-memory BFGS for many problems of one shape at once.

Each problem has a step length, a memory and an end of its own. Every number of a problem is computed from that
problem's numbers alone, by operations that do not look at how many problems stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
#: (points (k, size), which problems (k,)) -> (values (k,) float64, gradients (k, size)).
Evaluate = Callable[[Floats, NDArray[np.int64]], tuple[NDArray[np.float64], Floats]]

#: Pairs that are remembered.
PAIRS = 10
_SHORTEST = 30


@dataclass
class Memory:
    """Steps and changes of the gradient of each problem, and their products.

    ``steps`` and ``changes`` have shape (n_problems, n_pairs, size), ``products`` holds step x change and ``squares``
    change x scale x change, of shape (n_problems, n_pairs, n_pairs). A pair that is not there, or was refused, is all
    zeros. ``oldest`` is the place of the oldest pair, which the next one takes.
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
        return cls(steps, changes, *(np.zeros((n_problems, PAIRS, PAIRS)) for _ in range(2)))

    def astype(self, dtype: Any) -> Memory:
        """Memory with pairs of another precision."""
        return Memory(self.steps.astype(dtype), self.changes.astype(dtype), self.products, self.squares, self.oldest)

    def take(self, rows: NDArray[Any]) -> Memory:
        """Memory of some of the problems, oldest pair first."""
        order = self._by_age()
        pairs = rows[:, None], order[None, :]
        square = rows[:, None, None], order[None, :, None], order[None, None, :]
        return Memory(self.steps[pairs], self.changes[pairs], self.products[square], self.squares[square])

    def _by_age(self) -> NDArray[np.int64]:
        return (self.oldest + np.arange(PAIRS)) % PAIRS

    def add(self, step: Floats, change: Floats, scale: Floats) -> None:
        """Put one more pair in the place of the oldest."""
        along = _dots(step, change)
        # A pair of no or negative curvature says nothing of the minimum.
        useful = along > 1e-10 * np.sqrt(_dots(step, step) * _dots(change, change))
        at = self.oldest
        np.multiply(step, useful[:, None], out=self.steps[:, at])
        np.multiply(change, useful[:, None], out=self.changes[:, at])
        self.products[:, :, at] = _times(self.steps, self.changes[:, at])
        self.products[:, at, :] = _times(self.changes, self.steps[:, at])
        self.squares[:, :, at] = self.squares[:, at, :] = _times(self.changes, self.changes[:, at] * scale)
        self.oldest = (at + 1) % PAIRS

    def direction(self, gradient: Floats, scale: Floats) -> Floats:
        """Minus the inverse Hessian times the gradient (Byrd, Nocedal and Schnabel 1994, equation 2.6)."""
        order = self._by_age()
        products, squares = (part[:, order[:, None], order] for part in (self.products, self.squares))
        own, curvature = np.einsum("kii->ki", products), np.einsum("kii->ki", squares)
        upper = np.triu(products) + np.eye(PAIRS) * (own == 0)[:, :, None]
        last = np.where(own[:, -1] > 0, own[:, -1] / np.where(curvature[:, -1] > 0, curvature[:, -1], 1.0), 1.0)
        last = np.clip(last, 1e-3, 1e3)[:, None]
        first = scale * gradient
        along_steps = _times(self.steps, gradient)[:, order]
        along_changes = last * _times(self.changes, first)[:, order]
        a = np.linalg.solve(upper, along_steps[:, :, None])[:, :, 0]
        middle = own * a + last * np.matmul(squares, a[:, :, None])[:, :, 0] - along_changes
        b = np.linalg.solve(upper.transpose(0, 2, 1), middle[:, :, None])[:, :, 0]
        by_age = np.argsort(order)
        dtype = gradient.dtype
        out = last.astype(dtype) * (first - scale * _combined(a[:, by_age].astype(dtype), self.changes))
        out += _combined(b[:, by_age].astype(dtype), self.steps)
        found: Floats = -out
        return found


def _times(pairs: Floats, vector: Floats) -> NDArray[np.float64]:
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
    scale: Floats
    memory: Memory

    def take(self, rows: NDArray[Any]) -> _Search:
        parts = (getattr(self, field.name) for field in fields(self))
        return _Search(*(part.take(rows) if isinstance(part, Memory) else part[rows] for part in parts))


def minimise(
    evaluate: Evaluate,
    start: Floats,
    scale: Floats,
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
    start : ndarray of float32 or float64, shape (n_problems, size)
    scale : ndarray of the shape and precision of start
        Guess of the diagonal of each inverse Hessian.
    tolerance : float
        A problem is solved when the next full step is no longer than this times the length of the point, or this.
    max_iter : int
        Largest number of steps of a problem.
    memory : Memory, optional
        Pairs of an earlier search over the same problems.
    """
    rows = np.arange(len(start))
    values, gradients = evaluate(start, rows)
    memory = memory or Memory.empty(*start.shape, start.dtype)
    search = _Search(rows, start.copy(), values, gradients, scale, memory)
    points, iterations, ended = start.copy(), np.zeros(len(start), np.int64), []
    for done in range(max_iter + 1):
        step = search.memory.direction(search.gradients, search.scale)
        uphill = _dots(step, search.gradients) >= 0
        if uphill.any():
            step[uphill] = (-search.scale * search.gradients)[uphill]
        length, size = np.sqrt(_dots(step, step)), np.sqrt(_dots(search.points, search.points))
        over = (length <= tolerance * np.maximum(size, 1.0)) | (done == max_iter)
        if not over.any():
            search, stuck = _stepped(search, step, evaluate)
            over = stuck
        if over.any():
            points[search.problems[over]] = search.points[over]
            iterations[search.problems[over]] = done
            ended.append((search.problems[over], search.memory.take(np.flatnonzero(over))))
            if over.all():
                break
            search = search.take(np.flatnonzero(~over))
    return Minima(points, _joined(ended, memory), iterations)


def _stepped(search: _Search, step: Floats, evaluate: Evaluate) -> tuple[_Search, NDArray[np.bool_]]:
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
    search.memory.add(points - search.points, gradients - search.gradients, search.scale)
    return _Search(search.problems, points, values, gradients, search.scale, search.memory), stuck


def _joined(parts: list[tuple[NDArray[np.int64], Memory]], like: Memory) -> Memory:
    whole = Memory.empty(len(like.steps), like.steps.shape[2], like.steps.dtype)
    for rows, memory in parts:
        whole.steps[rows], whole.changes[rows] = memory.steps, memory.changes
        whole.products[rows], whole.squares[rows] = memory.products, memory.squares
    return whole
