"""Logistic regression on sparse rows by coordinate ascent on its dual, for many two-class problems side by side.

Yu, Huang and Lin (2011), "Dual coordinate descent methods for logistic regression and maximum entropy models". Each
row of each problem has a dual variable; a pass maximises over one after the other. Problems on the same rows are lanes
of one vector, so that a row is read once for all of them. The intercept is free, which in the dual is the constraint
that the signed variables sum to 0; it is held by the method of multipliers, a step of which follows each pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from steelyard.compiled import compiled
from steelyard.models._tiles import LANES as VECTOR
from steelyard.models._tiles import address, exp

cgutils: Any = _cgutils  # has no types
Array = NDArray[np.float64]
Single = NDArray[np.float32]

#: Problems that are worked on together.
LANES = 32
_1, _HALF, _0 = np.float32(1), np.float32(0.5), np.float32(0)
#: Newton's steps for one variable.
_INWARD = 5
#: Square of the value that the column of the intercept has. The larger, the fewer steps of the multipliers are needed,
#: and the more rows pull at one variable.
_PULL = (0.03, 1.0)

_KIND, _WORD, _INDEX = ir.VectorType(ir.FloatType(), VECTOR), ir.IntType(64), ir.IntType(32)
_WIDE = LANES // VECTOR


def _lines(code: Any) -> Any:
    """Intrinsic over the entries of a sparse row: (entries' columns, their values, how many, table, lanes)."""

    def at(builder: Any, base: Any, vector: int) -> Any:
        moved = builder.add(base, ir.Constant(_WORD, 4 * VECTOR * vector))
        return builder.inttoptr(moved, ir.PointerType(_KIND))

    def load(builder: Any, pointer: Any) -> Any:
        value = builder.load(pointer)
        value.align = 4
        return value

    def whole(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns, values, count, table, lanes = args
        form = ir.FunctionType(_KIND, [_KIND] * 3)
        fused = cgutils.get_or_insert_function(builder.module, form, f"llvm.fmuladd.v{VECTOR}f32")
        same = ir.Constant(ir.VectorType(_INDEX, VECTOR), [0] * VECTOR)
        empty = ir.Constant(_KIND, ir.Undefined)
        kept = [cgutils.alloca_once_value(builder, load(builder, at(builder, lanes, j))) for j in range(_WIDE)]
        with cgutils.for_range(builder, count) as loop:
            step = builder.mul(loop.index, ir.Constant(_WORD, 4))
            column = builder.load(builder.inttoptr(builder.add(columns, step), ir.PointerType(_INDEX)))
            value = builder.load(builder.inttoptr(builder.add(values, step), ir.PointerType(ir.FloatType())))
            spread = builder.shuffle_vector(builder.insert_element(empty, value, ir.Constant(_INDEX, 0)), empty, same)
            line = builder.add(table, builder.mul(builder.sext(column, _WORD), ir.Constant(_WORD, 4 * LANES)))
            for j in range(_WIDE):
                pointer = at(builder, line, j)
                code(builder, fused, spread, load(builder, pointer), pointer, kept[j])
        for j in range(_WIDE):
            builder.store(builder.load(kept[j]), at(builder, lanes, j)).align = 4
        return context.get_dummy_value()

    def typed(typing_context: Any, columns: Any, values: Any, count: Any, table: Any, lanes: Any) -> Any:
        return types.void(*[types.int64] * 5), whole

    return intrinsic(typed)


def _read(builder: Any, fused: Any, value: Any, line: Any, pointer: Any, kept: Any) -> None:
    builder.store(builder.call(fused, [value, line, builder.load(kept)]), kept)


def _write(builder: Any, fused: Any, value: Any, line: Any, pointer: Any, kept: Any) -> None:
    builder.store(builder.call(fused, [value, builder.load(kept), line]), pointer).align = 4


#: lanes += row @ table, and table += outer(row, lanes).
_add_row, _add_outer = _lines(_read), _lines(_write)


@compiled
def _pass(
    indptr: Any, indices: Any, values: Any, order: Any, norms: Any, signs: Any, caps: Any,
    alpha: Any, coef: Any, base: Any, tilt: Any, going: Any, pull: Any,
) -> None:  # fmt: skip
    """One step for each row: dual variables, coefficients (n_columns, LANES) and tilts change in place."""
    lanes = np.empty(LANES, np.float32)
    work = np.empty((3, LANES), np.float32)
    x, margin, square = work[0], work[1], work[2]
    above = np.empty(LANES, np.bool_)
    columns_at, values_at, coef_at, lanes_at = address(indices), address(values), address(coef), address(lanes)
    for i in order:
        first, count = indptr[i], indptr[i + 1] - indptr[i]
        for k in range(LANES):
            lanes[k] = base[k] + tilt[k]
        _add_row(columns_at + 4 * first, values_at + 4 * first, count, coef_at, lanes_at)
        sign, cap, old = signs[i], caps[i], alpha[i]
        for k in range(LANES):
            square[k] = norms[i] + pull[k]
            margin[k] = sign[k] * lanes[k]
            # The root lies on this side of 0, where the function bends one way only: Newton's steps cannot swing.
            above[k] = margin[k] + square[k] * (_HALF * cap[k] - old[k]) > _0
            x[k] = max(margin[k], _0) if above[k] else min(margin[k], _0)
        for _ in range(_INWARD):
            for k in range(LANES):
                p = _1 / (_1 + exp(x[k]))
                f = x[k] - margin[k] - square[k] * (cap[k] * p - old[k])
                step = x[k] - f / (_1 + square[k] * cap[k] * p * (_1 - p))
                x[k] = max(step, _0) if above[k] else min(step, _0)
        for k in range(LANES):
            new = old[k] + (x[k] - margin[k]) / square[k]
            new = new if new > _0 else _0
            new = new if new < cap[k] else cap[k]
            moved = (new - old[k]) * going[k]
            old[k] += moved
            lanes[k] = moved * sign[k]
            tilt[k] += pull[k] * lanes[k]
        _add_outer(columns_at + 4 * first, values_at + 4 * first, count, coef_at, lanes_at)


@dataclass(frozen=True)
class TwoClass:
    """Problems of two classes on the same rows.

    Parameters
    ----------
    X : scipy.sparse.csr_array of float32, shape (n_rows, n_columns)
    targets : ndarray of shape (n_problems, n_rows)
        1, 0 or NaN (not part of the problem).
    weights : ndarray of shape (n_problems, n_rows)
        What the loss of each row counts, C included.
    """

    X: Any
    targets: NDArray[Any]
    weights: Array

    def start(self) -> Array:
        """Intercepts of the weighted shares."""
        known = np.where(np.isnan(self.targets), 0.0, self.weights)
        share = (known * (self.targets == 1)).sum(axis=1) / known.sum(axis=1)
        odds: Array = np.log(share) - np.log1p(-share)
        return odds


def dual_logistic(problems: TwoClass, *, tolerance: float, max_passes: int) -> tuple[Array, NDArray[np.bool_]]:
    """Coefficients of penalised logistic regressions.

    Minimises ``sum(weights * log loss) + |coef|^2 / 2`` of each problem; what one gives does not depend on the others.

    Parameters
    ----------
    problems : TwoClass
    tolerance : float
        A problem is solved when a pass has moved the coefficients by no more than this times their length.
    max_passes : int

    Returns
    -------
    tables : ndarray of float64, shape (n_problems, n_columns + 1)
        The intercept last.
    solved : ndarray of bool, shape (n_problems,)
        False where the passes did not do.
    """
    n_problems = len(problems.targets)
    tables = np.empty((n_problems, problems.X.shape[1] + 1))
    solved = np.zeros(n_problems, dtype=bool)
    starts, norms = problems.start(), problems.X.power(2).sum(axis=1).astype(np.float32)
    for first in range(0, n_problems, LANES):
        part = slice(first, first + LANES)
        lanes = _Lanes.of(problems.X, norms, problems.targets[part], problems.weights[part], starts[part])
        solved[part] = lanes.search(tolerance, max_passes)
        n = len(tables[part])
        tables[part, :-1], tables[part, -1] = lanes.coef[:, :n].T, lanes.base[:n]
    return tables, solved


@dataclass
class _Lanes:
    """The state of up to ``LANES`` problems; a lane that is not used has no weight."""

    X: Any
    norms: Single
    signs: Single
    caps: Single
    alpha: Single
    coef: Single
    base: Single
    tilt: Single
    going: Single
    pull: Single

    @classmethod
    def of(cls, X: Any, norms: Single, targets: NDArray[Any], weights: Array, start: Array) -> _Lanes:
        n, n_rows = targets.shape
        signs, caps = np.ones((n_rows, LANES), np.float32), np.zeros((n_rows, LANES), np.float32)
        np.subtract(2 * (targets.T == 1), 1, out=signs[:, :n], casting="unsafe")
        caps[:, :n] = np.where(np.isnan(targets), 0.0, weights).T
        base, tilt, going = (np.zeros(LANES, np.float32) for _ in range(3))
        base[:n], going[:n] = start, 1
        # What the dual variables are where all scores are the intercept.
        alpha = caps / (_1 + np.exp(signs * base))
        coef = np.ascontiguousarray(X.T @ (signs * alpha))
        bend = np.einsum("ij,ij->j", alpha, 1 - alpha / np.maximum(caps, 1e-30))
        pull = np.clip(10 / np.maximum(bend, 1e-30), *_PULL).astype(np.float32)
        return cls(X, norms, signs, caps, alpha, coef, base, tilt, going, pull)

    def search(self, tolerance: float, max_passes: int) -> NDArray[np.bool_]:
        """Passes until each problem is solved, or there are none left; which of them are solved."""
        n = int(self.going.sum())
        rng = np.random.default_rng(0)
        # The compiled code takes entries by their addresses: four bytes each.
        rows = self.X.indptr.astype(np.int64), self.X.indices.astype(np.int32, copy=False), self.X.data
        state = self.norms, self.signs, self.caps, self.alpha, self.coef, self.base, self.tilt, self.going, self.pull
        for _ in range(max_passes):
            before = self.coef.copy()
            _pass(*rows, rng.permutation(len(self.norms)), *state)
            self.base += self.tilt * self.going
            np.subtract(self.coef, before, out=before)
            moved, size = (np.sqrt(np.einsum("ij,ij->j", part, part)) for part in (before, self.coef))
            turned = np.abs(self.tilt) > tolerance * np.maximum(np.abs(self.base), 1)
            self.going *= (moved > tolerance * size) | turned
            if not self.going.any():
                break
        solved: NDArray[np.bool_] = self.going[:n] == 0
        return solved
