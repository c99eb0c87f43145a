"""Penalised losses of many linear problems on the same rows, evaluated side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.losses import FusedLoss, Loss
from steelyard.models._design import Design, padded

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Index = NDArray[np.int64]

#: Scores that are worked on together, about, so that they stay in the cache.
_WIDTH = 24
#: Distance of the scores between which the bend of a loss is found.
_AHEAD = 1e-5


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
        kinds = list(dict.fromkeys(losses))
        self.kind = np.array([kinds.index(loss) for loss in losses])
        self.losses = kinds

    @abstractmethod
    def start(self) -> Array:
        """Points to start from, (n_problems, size)."""

    @abstractmethod
    def curvature(self) -> Array:
        """Second derivative of the loss, about, that :meth:`precondition` divides by, (n_problems, columns)."""

    @abstractmethod
    def has_hessian(self, problem: int) -> bool:
        """Whether :meth:`hessian` knows the loss of a problem."""

    @abstractmethod
    def hessian(self, point: Array, problem: int, convex: bool) -> Array:
        """Second derivatives (size, size) of a problem at a point; ``convex`` leaves out what could be negative."""

    @abstractmethod
    def _bound(self, kind: int, problems: Index) -> Any: ...

    @abstractmethod
    def _losses(self, bound: Any, scores: Floats, problems: Index, block: int) -> tuple[Floats, Floats]:
        """Loss (k, n_rows) and gradient (columns, k, n_rows) for scores (columns, k, n_rows)."""

    @cached_property
    def _scale(self) -> dict[Any, Floats]:
        hessian = self.curvature()[:, :, None] * self.design.spread
        hessian[:, :, :-1] += self.penalties[:, None, None]
        # A column of nearly no spread under nearly no penalty would be stepped along without end.
        double = 1.0 / np.maximum(hessian, 1e-8)
        return {np.dtype(np.float64): double, np.dtype(np.float32): double.astype(np.float32)}

    def precondition(self, vectors: Floats, problems: Index) -> Floats:
        """Guess of the inverse Hessian of each problem times a vector, both (k, size).

        The Hessian of cross-entropy by the scores of equal rows is ``diag(p) - p p^T``, the pseudo-inverse of which
        is ``diag(1 / p)`` between two projections on vectors of sum 0.
        """
        table = vectors.reshape(len(vectors), self.columns, -1)
        scale = self._scale[vectors.dtype][problems]
        if self.columns == 1:
            alone: Floats = (table * scale).reshape(vectors.shape)
            return alone
        mean = table.mean(axis=1, keepdims=True)
        out = (table - mean) * scale
        out += mean * scale.mean(axis=1, keepdims=True) - out.mean(axis=1, keepdims=True)
        whole: Floats = out.reshape(vectors.shape)
        return whole

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
        design, columns, count = self.design, self.columns, len(points)
        by_class = points.reshape(count, columns, -1).transpose(1, 0, 2)
        coef = padded(np.ascontiguousarray(by_class).reshape(columns * count, -1))
        bound, weights = self._bound(kind, problems), self.weights[points.dtype]
        value: Any = 0.0
        gradient: Any = 0.0
        for number, rows in enumerate(design.blocks()):
            n_rows = rows.stop - rows.start
            scores = design.scores(number, coef)[: columns * count].reshape(columns, count, n_rows)
            loss, by_score = self._losses(bound, scores, problems, number)
            weight = weights[problems, rows]
            value = value + (loss * weight).sum(axis=1, dtype=np.float64)
            back = np.zeros((len(coef), n_rows), dtype=points.dtype)
            out = back[: columns * count].reshape(columns, count, n_rows)
            np.multiply(by_score, weight, out=out, casting="same_kind")
            gradient = gradient + design.gradient(number, back)
        found = gradient[: columns * count].reshape(columns, count, -1)
        return value, found.transpose(1, 0, 2).reshape(count, -1)

    def _single_hessian(self, point: Array, problem: int, convex: bool) -> Array:
        """The same where a row has one score: forward differences of the slope, which Newton needs no better."""
        bound, only, coef = (
            self._bound(int(self.kind[problem]), np.array([problem])),
            np.array([problem]),
            padded(point[None]),
        )
        out = np.zeros((self.size, self.size))
        for number, rows in enumerate(self.design.blocks()):
            scores = self.design.scores(number, coef)[:1][None]
            slope, ahead = (self._losses(bound, at, only, number)[1][0, 0] for at in (scores, scores + _AHEAD))
            bend = (ahead - slope) / _AHEAD * self.weights[scores.dtype][problem, rows]
            out += self.design.gram(number, np.maximum(bend, 0.0)[None] if convex else bend[None])[0]
        return self._penalised(out, problem)

    def _penalised(self, hessian: Array, problem: int) -> Array:
        places = np.arange(self.size)
        free = places % self.design.n_columns == self.design.n_columns - 1
        hessian[places, places] += np.where(free, 0.0, self.penalties[problem])
        return hessian


class OneLabel(Objective):
    """One class a row; two classes share one score, because its mirror image would only halve the penalty."""

    def __init__(self, design: Design, losses: Sequence[Loss], weights: Array, codes: Index, C: float) -> None:
        self.n_classes = int(codes.max()) + 1
        super().__init__(design, losses, weights, 1 if self.n_classes == 2 else self.n_classes, C)
        self.codes = codes
        priors = np.bincount(codes) / len(codes)
        self.bound = [loss.bind(priors) for loss in self.losses]
        self.fused = [loss.fused(priors) for loss in self.losses]
        self.tiled: dict[tuple[int, int], Index] = {}
        shares = [np.bincount(codes, weights=line) for line in self.weights[np.dtype(np.float64)]]
        self.shares = np.stack(shares)

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
        shares = self.shares if self.columns > 1 else self.shares[:, 1:] * self.shares[:, :1]
        return np.maximum(shares, 1e-4)

    def has_hessian(self, problem: int) -> bool:
        """Whether the loss is one of a softmax; with one score, any."""
        return self.columns == 1 or self.fused[self.kind[problem]] is not None

    def hessian(self, point: Array, problem: int, convex: bool) -> Array:
        """Second derivatives of a problem; see :meth:`Objective.hessian`.

        A row with scores s, softmax p and distance r = p - its class adds ``a (diag(p) - p p^T) + b r r^T``, where a
        and b depend on the probability of its class alone; cross-entropy has a = 1 and b = 0.
        """
        if self.columns == 1:
            return self._single_hessian(point, problem, convex)
        fused = self.fused[self.kind[problem]]
        assert fused is not None
        design, wide = self.design, self.design.n_columns
        coef = padded(point.reshape(self.columns, wide))
        out = np.zeros((self.size, self.size))
        for number, rows in enumerate(design.blocks()):
            codes = self.codes[rows]
            p, a, b = softmax_bend(fused, design.scores(number, coef)[: self.columns], codes)
            weight = fused.scale**2 * self.weights[np.dtype(np.float64)][problem, rows]
            for k, own in enumerate(design.gram(number, weight * a * p)):
                out[k * wide : (k + 1) * wide, k * wide : (k + 1) * wide] += own
            out -= design.outer(number, np.sqrt(weight * a) * p)
            if fused.gamma:
                p[codes, np.arange(len(codes))] -= 1.0
                out += design.outer(number, np.sqrt(weight * np.maximum(b, 0.0)) * p)
                if not convex:
                    out -= design.outer(number, np.sqrt(weight * np.maximum(-b, 0.0)) * p)
        # What is added to all intercepts changes nothing; without this it could not be divided by.
        level = np.arange(wide - 1, self.size, wide)
        out[np.ix_(level, level)] += 1.0 / self.columns
        return self._penalised(out, problem)

    def _bound(self, kind: int, problems: Index) -> Any:
        return self.bound[kind]

    def _losses(self, bound: Any, scores: Floats, problems: Index, block: int) -> tuple[Floats, Floats]:
        _, count, n_rows = scores.shape
        logits = scores.reshape(self.columns, -1)
        if self.columns == 1:
            logits = np.concatenate([np.zeros_like(logits), logits])
        if (block, count) not in self.tiled:
            self.tiled[block, count] = np.tile(self.codes[self.design.blocks()[block]], count)
        loss, gradient = bound(logits.T, self.tiled[block, count])
        return loss.reshape(count, n_rows), gradient.T[-self.columns :].reshape(self.columns, count, n_rows)


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
        curvature: Array = np.maximum(self.shares * (1 - self.shares), 1e-4)[:, None]
        return curvature

    def has_hessian(self, problem: int) -> bool:
        """Any loss has one."""
        return True

    def hessian(self, point: Array, problem: int, convex: bool) -> Array:
        """Second derivatives of a problem; see :meth:`Objective.hessian`."""
        return self._single_hessian(point, problem, convex)

    def _bound(self, kind: int, problems: Index) -> Any:
        return self.losses[kind].bind_multilabel(self.priors[problems])

    def _losses(self, bound: Any, scores: Floats, problems: Index, block: int) -> tuple[Floats, Floats]:
        loss, gradient = bound(scores[0].T, self.targets[problems, self.design.blocks()[block]].T)
        return loss.T, gradient.T[None]


def softmax_bend(fused: FusedLoss, scores: Floats, codes: Index) -> tuple[Array, Array, Array]:
    """Probabilities (C, n) for scores (C, n), and how the loss of each row bends: a and b of shape (n,).

    With p the probability of the row's class and ``loss(p) = -(1 - p)^gamma log p``, a is ``-p loss'(p)`` and b
    ``-p a'(p)``.
    """
    rows = np.arange(len(codes))
    p: Array = scores + fused.offset[:, None]
    p[codes, rows] -= fused.margin[codes]
    p *= fused.scale
    p -= p.max(axis=0)
    np.exp(p, out=p)
    p /= p.sum(axis=0)
    if not fused.gamma:
        return p, np.ones(len(codes)), np.zeros(len(codes))
    gamma, own = fused.gamma, np.clip(p[codes, rows], 1e-12, 1.0 - 1e-9)
    rest, log = 1.0 - own, np.log(own)
    a = rest**gamma - gamma * own * rest ** (gamma - 1.0) * log
    bend = gamma * (gamma - 1.0) * own * rest ** (gamma - 2.0) * log - gamma * rest ** (gamma - 1.0) * (2.0 + log)
    return p, a, -own * bend
