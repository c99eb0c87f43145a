"""The rows of a fold as the linear model reads them: in blocks, along the directions in which they vary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.floating]

#: Rows that are worked on at once, so that their scores stay in the cache. Not dependent on how many tasks there are,
#: because sums would then be formed in another order.
BLOCK = 1024
#: Columns up to which the rows are turned: beyond, finding the directions costs more than it saves.
_TURNED = 600


#: Lines of one matrix product. All have as many, because libraries add in another order for other shapes, and for
#: some places in a larger one: so a line is the same whatever stands beside it.
_LINES = 8


def padded(lines: Floats) -> Floats:
    """Lines (n, m) with lines of zeros after them, up to whole products."""
    short = -len(lines) % _LINES
    return np.concatenate([lines, np.zeros((short, lines.shape[1]), dtype=lines.dtype)]) if short else lines


def _product(lines: Floats, matrix: Floats) -> Floats:
    out: Floats = np.matmul(lines.reshape(-1, _LINES, lines.shape[1]), matrix)
    return out.reshape(len(lines), -1)


@dataclass(frozen=True)
class Design:
    """Base: rows with a last column of ones.

    Parameters
    ----------
    n_rows, n_columns : int
        The column of ones included.
    spread : ndarray of shape (n_columns,)
        Mean square of each column.
    """

    n_rows: int
    n_columns: int
    spread: Array

    @property
    def single(self) -> bool:
        """Whether the rows were given in single precision: no search can be more precise than they are."""
        return False

    def blocks(self) -> list[slice]:
        """Rows of each block."""
        raise NotImplementedError

    def scores(self, block: int, coef: Floats) -> Floats:
        """Scores (n_scores, n_rows of the block) for coefficients (n_scores, n_columns), in their precision.

        The lines are those of :func:`padded`; so below.
        """
        raise NotImplementedError

    def gradient(self, block: int, by_score: Floats) -> Floats:
        """Gradient (n_scores, n_columns) by the coefficients from that by the scores of a block."""
        raise NotImplementedError

    def gram(self, block: int, weights: Array) -> Array:
        """Weighted products of the columns of a block, (n, n_columns, n_columns) for weights (n, n_rows)."""
        raise NotImplementedError

    def outer(self, block: int, factors: Array) -> Array:
        """Products of all columns times all factors (n, n_rows) of a block, (n * n_columns, n * n_columns)."""
        raise NotImplementedError

    def original(self, coef: Array) -> Array:
        """Coefficients (..., n_columns) of the columns as they were given."""
        raise NotImplementedError


@dataclass(frozen=True)
class DenseDesign(Design):
    """Centred rows, turned into their principal directions; the penalty of a turned vector is the same."""

    #: For each precision the blocks, turned on their side: (n_columns, n_rows of the block).
    parts: dict[Any, list[Floats]]
    centre: Array
    turn: Array

    @classmethod
    def of(cls, X: Array) -> DenseDesign:
        """Design of a matrix (n_rows, n_columns)."""
        n_rows, n_columns = X.shape
        centre = X.mean(axis=0)
        rows = X - centre
        turn = np.eye(n_columns)
        if 0 < n_columns <= _TURNED:
            turn = np.ascontiguousarray(np.linalg.eigh(rows.T @ rows)[1])
            rows = rows @ turn
        spread = np.r_[np.mean(rows**2, axis=0), 1.0]
        cuts = range(0, n_rows, BLOCK)
        double: list[Floats] = [
            np.vstack([rows[cut : cut + BLOCK].T, np.ones((1, min(BLOCK, n_rows - cut)))]) for cut in cuts
        ]
        single: list[Floats] = [part.astype(np.float32) for part in double]
        parts = {np.dtype(np.float64): double, np.dtype(np.float32): single}
        return cls(n_rows, n_columns + 1, spread, parts, centre, turn)

    def blocks(self) -> list[slice]:
        """Rows of each block."""
        return [slice(start, min(start + BLOCK, self.n_rows)) for start in range(0, self.n_rows, BLOCK)]

    def gram(self, block: int, weights: Array) -> Array:
        """Products of the columns; see :meth:`Design.gram`."""
        rows = self.parts[np.dtype(np.float64)][block]
        # One product instead of one for each line of weights: theirs would be too small to be fast.
        out: Array = (weights[:, None] * rows).reshape(-1, rows.shape[1]) @ rows.T
        return out.reshape(len(weights), len(rows), len(rows))

    def outer(self, block: int, factors: Array) -> Array:
        """Products of columns times factors; see :meth:`Design.outer`."""
        rows = self.parts[np.dtype(np.float64)][block]
        all_of_them = (factors[:, None] * rows).reshape(-1, rows.shape[1])
        out: Array = all_of_them @ all_of_them.T
        return out

    def scores(self, block: int, coef: Floats) -> Floats:
        """Scores of a block; see :meth:`Design.scores`."""
        return _product(coef, self.parts[coef.dtype][block])

    def gradient(self, block: int, by_score: Floats) -> Floats:
        """Gradient from a block; see :meth:`Design.gradient`."""
        return _product(by_score, self.parts[by_score.dtype][block].T)

    def original(self, coef: Array) -> Array:
        """Coefficients of the columns as they were given."""
        plain = coef[..., :-1] @ self.turn.T
        return np.concatenate([plain, (coef[..., -1] - plain @ self.centre)[..., None]], axis=-1)


@dataclass(frozen=True)
class SparseDesign(Design):
    """Rows as they are in a sparse matrix: centring or turning them would fill it."""

    given: Any

    @classmethod
    def of(cls, X: Any) -> SparseDesign:
        """Design of a scipy sparse matrix (n_rows, n_columns)."""
        from scipy import sparse

        n_rows, n_columns = X.shape
        squares = X.multiply(X).sum(axis=0)
        spread = np.r_[np.asarray(squares, dtype=np.float64).ravel() / n_rows, 1.0]
        return cls(n_rows, n_columns + 1, spread, sparse.csr_array(X))

    @cached_property
    def rows(self) -> Any:
        """The rows with a last column of ones."""
        from scipy import sparse

        ones = sparse.csr_array(np.ones((self.n_rows, 1), dtype=self.given.dtype))
        return sparse.hstack([self.given, ones], format="csr")

    def blocks(self) -> list[slice]:
        """One block: what a block adds to the gradient is as long as all columns."""
        return [slice(0, self.n_rows)]

    @property
    def single(self) -> bool:
        """Whether the rows were given in single precision; see :attr:`Design.single`."""
        return bool(self.given.dtype == np.float32)

    @cached_property
    def _kinds(self) -> dict[Any, tuple[Any, Any]]:
        made = {kind: self.rows.astype(kind) for kind in {np.dtype(np.float32), self.rows.dtype}}
        return {kind: (rows, rows.T.tocsr()) for kind, rows in made.items()}

    def scores(self, block: int, coef: Floats) -> Floats:
        """Scores of all rows; see :meth:`Design.scores`."""
        return np.ascontiguousarray((self._kinds[coef.dtype][0] @ np.ascontiguousarray(coef.T)).T)

    def gradient(self, block: int, by_score: Floats) -> Floats:
        """Gradient from all rows; see :meth:`Design.gradient`."""
        out: Floats = (self._kinds[by_score.dtype][1] @ np.ascontiguousarray(by_score.T)).T
        return out

    def original(self, coef: Array) -> Array:
        """Coefficients of the columns as they were given: they were not changed."""
        return coef


def design_of(X: Any) -> Design:
    """Design of a dense or sparse matrix (n_rows, n_columns)."""
    return SparseDesign.of(X) if hasattr(X, "tocsr") else DenseDesign.of(np.asarray(X, dtype=np.float64))
