"""Penalised losses of many linear problems on the same rows, evaluated side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.losses import Loss
from steelyard.models._design import Design

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Index = NDArray[np.int64]

#: Scores that one matrix product forms, about: enough for it to be fast, few enough for one problem alone. All
#: products have the same shape, so that what a problem gets does not depend on how many stand beside it.
_WIDTH = 16


class Objective(ABC):
    """Mean loss plus penalty of each problem, as a function of its coefficients.

    A point has ``columns * n_columns`` entries: for each of its scores the coefficients, the intercept last.

    Parameters
    ----------
    design : Design
    losses : sequence of Loss
        Of each problem.
    weights : ndarray of shape (n_problems, n_rows)
        Weights of the rows; 0 where a row is not part of a problem.
    columns : int
        Scores of a problem.
    C : float
        Inverse strength of the penalty.
    """

    def __init__(self, design: Design, losses: Sequence[Loss], weights: Array, columns: int, C: float) -> None:
        self.design, self.columns = design, columns
        total = weights.sum(axis=1)
        # Dividing by the total weight keeps gradients of order 1, so that one tolerance fits all tables.
        double = weights / total[:, None]
        self.weights = {np.dtype(np.float64): double, np.dtype(np.float32): double.astype(np.float32)}
        self.penalties = 1.0 / (C * total)
        self.size = columns * design.n_columns
        self.together = max(1, _WIDTH // columns)
        self.width = -(-self.together * columns // 4) * 4
        kinds = list(dict.fromkeys(losses))
        self.kind = np.array([kinds.index(loss) for loss in losses])
        self.losses = kinds

    @abstractmethod
    def start(self) -> Array:
        """Points to start from, (n_problems, size)."""

    @abstractmethod
    def curvature(self) -> Array:
        """Mean second derivative of the loss by each score at the start, (n_problems, columns)."""

    @abstractmethod
    def _bound(self, kind: int, problems: Index) -> Any: ...

    @abstractmethod
    def _losses(self, bound: Any, scores: Floats, problems: Index, rows: slice) -> tuple[Floats, Floats]:
        """Loss (k, n_rows) and gradient (columns, k, n_rows) for scores (columns, k, n_rows)."""

    def scale(self) -> Array:
        """Guess of the diagonal of each inverse Hessian, (n_problems, size)."""
        hessian = self.curvature()[:, :, None] * self.design.spread
        hessian[:, :, :-1] += self.penalties[:, None, None]
        # A column of nearly no spread under nearly no penalty would be stepped along without end.
        return (1.0 / np.maximum(hessian, 1e-8)).reshape(len(hessian), self.size)

    def __call__(self, points: Floats, problems: Index) -> tuple[Array, Floats]:
        """Values (k,) and gradients (k, size) of some of the problems, in the precision of the points."""
        values, gradients = np.empty(len(points)), np.empty_like(points)
        kinds = self.kind[problems]
        for kind in np.unique(kinds):
            places = np.flatnonzero(kinds == kind)
            for first in range(0, len(places), self.together):
                chosen = places[first : first + self.together]
                values[chosen], gradients[chosen] = self._tile(points[chosen], problems[chosen], int(kind))
        table = points.reshape(len(points), self.columns, -1)[:, :, :-1]
        penalties = self.penalties[problems]
        values += 0.5 * penalties * np.square(table, dtype=np.float64).sum(axis=(1, 2))
        gradients.reshape(len(points), self.columns, -1)[:, :, :-1] += (
            penalties.astype(points.dtype)[:, None, None] * table
        )
        return values, gradients

    def _tile(self, points: Floats, problems: Index, kind: int) -> tuple[Array, Floats]:
        design, columns, most = self.design, self.columns, self.together
        # A tile that is not full is filled up; what is computed there is not read.
        filled = np.concatenate([problems, np.repeat(problems[:1], most - len(problems))])
        coef = np.zeros((self.width, design.n_columns), dtype=points.dtype)
        by_class = coef[: columns * most].reshape(columns, most, -1)
        by_class[:, : len(points)] = points.reshape(len(points), columns, -1).transpose(1, 0, 2)
        bound, weights = self._bound(kind, filled), self.weights[points.dtype]
        value: Any = 0.0
        gradient: Any = None
        for number, rows in enumerate(design.blocks()):
            n_rows = rows.stop - rows.start
            scores = design.scores(number, coef)[: columns * most].reshape(columns, most, n_rows)
            loss, by_score = self._losses(bound, scores, filled, rows)
            weight = weights[filled, rows]
            value = value + (loss * weight).sum(axis=1, dtype=np.float64)
            back = np.zeros((self.width, n_rows), dtype=points.dtype)
            np.multiply(by_score, weight, out=back[: columns * most].reshape(columns, most, n_rows), casting="same_kind")
            part = design.gradient(number, back)
            gradient = part if gradient is None else gradient + part
        found = gradient[: columns * most].reshape(columns, most, -1)[:, : len(points)]
        return value[: len(points)], found.transpose(1, 0, 2).reshape(len(points), -1)


class OneLabel(Objective):
    """One class a row; two classes share one score, because its mirror image would only halve the penalty."""

    def __init__(self, design: Design, losses: Sequence[Loss], weights: Array, codes: Index, C: float) -> None:
        self.n_classes = int(codes.max()) + 1
        super().__init__(design, losses, weights, 1 if self.n_classes == 2 else self.n_classes, C)
        self.codes = codes
        self.bound = [loss.bind(np.bincount(codes) / len(codes)) for loss in self.losses]
        self.tiled = [np.tile(codes[rows], self.together) for rows in design.blocks()]
        indicator = (codes[:, None] == np.arange(self.n_classes)).astype(np.float64)
        self.shares = self.weights[np.dtype(np.float64)] @ indicator

    def start(self) -> Array:
        """Intercepts of the weighted class shares."""
        points = np.zeros((len(self.shares), self.columns, self.design.n_columns))
        odds = np.log(np.maximum(self.shares, 1e-12))
        odds = odds[:, 1:] - odds[:, :1] if self.columns == 1 else odds - odds.mean(axis=1, keepdims=True)
        # A loss that corrects for the shares itself is balanced where nothing is said of them.
        plain = np.array([not loss.uses_priors for loss in self.losses])[self.kind]
        points[:, :, -1] = odds * plain[:, None]
        return points.reshape(len(points), -1)

    def curvature(self) -> Array:
        """That of cross-entropy where every row has the weighted class shares."""
        shares = self.shares[:, -self.columns :]
        return np.maximum(shares * (1 - shares), 1e-4)

    def _bound(self, kind: int, problems: Index) -> Any:
        return self.bound[kind]

    def _losses(self, bound: Any, scores: Floats, problems: Index, rows: slice) -> tuple[Floats, Floats]:
        _, most, n_rows = scores.shape
        logits = scores.reshape(self.columns, -1)
        if self.columns == 1:
            logits = np.concatenate([np.zeros_like(logits), logits])
        loss, gradient = bound(logits.T, self.tiled[rows.start // max(1, self._block_rows)])
        return loss.reshape(most, n_rows), gradient.T[-self.columns :].reshape(self.columns, most, n_rows)

    @property
    def _block_rows(self) -> int:
        first = self.design.blocks()[0]
        return first.stop - first.start


class ManyLabels(Objective):
    """Any number of labels a row: each label of each task is a problem of its own.

    Parameters
    ----------
    targets : ndarray of shape (n_problems, n_rows)
        1, 0 or NaN.
    """

    def __init__(self, design: Design, losses: Sequence[Loss], weights: Array, targets: Array, C: float) -> None:
        self.targets = targets
        known = ~np.isnan(targets)
        super().__init__(design, losses, np.where(known, weights, 0.0), 1, C)
        positive = np.where(known, targets, 0.0)
        self.priors = positive.sum(axis=1) / known.sum(axis=1)
        self.shares = (self.weights[np.dtype(np.float64)] * positive).sum(axis=1)

    def start(self) -> Array:
        """Intercepts of the weighted shares of the labels."""
        points = np.zeros((len(self.shares), self.design.n_columns))
        plain = np.array([not loss.uses_priors for loss in self.losses])[self.kind]
        points[:, -1] = (np.log(self.shares) - np.log1p(-self.shares)) * plain
        return points

    def curvature(self) -> Array:
        """That of cross-entropy where every row has the weighted share."""
        return np.maximum(self.shares * (1 - self.shares), 1e-4)[:, None]

    def _bound(self, kind: int, problems: Index) -> Any:
        return self.losses[kind].bind_multilabel(self.priors[problems])

    def _losses(self, bound: Any, scores: Floats, problems: Index, rows: slice) -> tuple[Floats, Floats]:
        loss, gradient = bound(scores[0].T, self.targets[problems, rows].T)
        return loss.T, gradient.T[None]
