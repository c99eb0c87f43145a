"""Multinomial logistic regression, for any loss of the loss slot, many strategies at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import component
from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss, Loss
from steelyard.models._base import Array, FitTask, FittedModel, Model, ModelState, spread
from steelyard.models._design import DenseDesign, Design, SparseDesign, design_of
from steelyard.models._lbfgs import PAIRS, Memory, Minima, minimise
from steelyard.models._newton import newton
from steelyard.models._objective import ManyLabels, Objective, OneLabel
from steelyard.searched import Range, declared

#: Bytes of working memory that the problems of one search may take together.
_BUDGET = 250_000_000
#: Where the dual is at its end, and after how many passes L-BFGS takes over.
_NEAR, _PASSES = 5e-4, 60
#: Coefficients up to which the whole Hessian is made, after how many other steps, and how often.
_WHOLE, _LONG, _STEPS = 300, 15, 20


@component
class Linear(Model):
    """Linear scores with an L2 penalty: logistic regression when the loss is cross-entropy.

    Minimises ``C * sum(sample_weight * loss) + |coef|^2 / 2``, as scikit-learn's ``LogisticRegression`` does; two
    classes share one column of coefficients, the intercept is free. With several labels for a row each label is such
    a problem of its own. All strategies of a fold are searched for side by side, by L-BFGS, first in single and then
    in double precision; those of few coefficients that are not near their end soon go on by Newton's method. Sparse
    rows in single precision, as those of text are, are searched in that alone; two classes, or several labels, under
    cross-entropy by coordinate ascent on the dual, which needs a few passes over the rows for all labels together.
    What one of them gives does not depend on the others.

    Parameters
    ----------
    C : float, default 1
        Inverse strength of the penalty; positive.
    max_iter : int, default 300
        Largest number of L-BFGS iterations in each precision.

    Raises
    ------
    UsageError
        When C or max_iter is not positive.
    """

    name = "linear"
    ranges = declared(C=Range(0.001, 100, "log"))
    any_loss: ClassVar[bool] = True
    multilabel: ClassVar[bool] = True
    sparse: ClassVar[bool] = True
    together: ClassVar[bool] = True

    C: float = 1.0
    max_iter: int = 300

    def __post_init__(self) -> None:
        if not self.C > 0 or not self.max_iter >= 1:
            raise UsageError(f"linear: C and max_iter must be positive, not C={self.C}, max_iter={self.max_iter}")

    def fit(self, task: FitTask) -> FittedModel:
        """Train on one task."""
        return self.fit_many([task])[0]

    def fit_many(self, tasks: Sequence[FitTask]) -> list[FittedModel]:
        """Train on tasks that share one ``X``; see :meth:`Model.fit_many`."""
        if not tasks:
            return []
        design = design_of(tasks[0].X)
        fitted: dict[int, FittedModel] = {}
        for places in _alike(tasks):
            chosen = [tasks[place] for place in places]
            made = self._many_labels(chosen, design) if chosen[0].multilabel else self._one_label(chosen, design)
            fitted.update(zip(places, made, strict=True))
        return [fitted[place] for place in range(len(tasks))]

    def _one_label(self, tasks: Sequence[FitTask], design: Design) -> list[FittedModel]:
        present, codes = np.unique(tasks[0].codes, return_inverse=True)
        weights = np.stack([task.sample_weight for task in tasks])

        def rest(places: NDArray[Any]) -> Array:
            losses = [tasks[place].loss for place in places]
            return self._solved(OneLabel(design, losses, weights[places], codes, self.C))

        losses = [task.loss for task in tasks]
        if len(present) == 2:
            targets = np.tile(codes.astype(np.float64), (len(tasks), 1))
            tables = self._by_dual(design, losses, targets, weights, lambda places: rest(places)[:, 0])[:, None]
        else:
            tables = rest(np.arange(len(tasks)))
        intercepts = tables[:, :, -1]
        if len(present) > 2:
            # The loss does not see what is added to all of them.
            intercepts -= intercepts.mean(axis=1, keepdims=True)
        return [
            FittedLinear(table[:, :-1].T.copy(), table[:, -1].copy(), present, task.n_classes)
            for task, table in zip(tasks, tables, strict=True)
        ]

    def _many_labels(self, tasks: Sequence[FitTask], design: Design) -> list[FittedModel]:
        targets = np.ascontiguousarray(tasks[0].codes.T, dtype=np.float64)
        # All rows that are known have it, or none: there is no score to be found.
        highest, lowest = (np.where(np.isnan(targets), -np.inf, sign * targets).max(axis=1) for sign in (1, -1))
        trained = np.flatnonzero((highest == 1) & (lowest == 0))
        tables = np.zeros((len(tasks), len(targets), design.n_columns))
        tables[:, :, -1] = np.where(highest == 1, np.inf, -np.inf)
        if len(trained):
            tables[:, trained] = self._labels(tasks, design, targets[trained], trained)
        every = np.arange(len(targets))
        return [
            FittedLinear(table[:, :-1].T.copy(), table[:, -1].copy(), every, task.n_classes, multilabel=True)
            for task, table in zip(tasks, tables, strict=True)
        ]

    def _labels(self, tasks: Sequence[FitTask], design: Design, targets: Array, labels: NDArray[Any]) -> Array:
        weights = np.concatenate([task.sample_weight.T[labels] for task in tasks])
        losses = [task.loss for task in tasks for _ in labels]
        every = np.tile(targets, (len(tasks), 1))

        def rest(places: NDArray[Any]) -> Array:
            chosen = [losses[place] for place in places]
            return self._solved(ManyLabels(design, chosen, weights[places], every[places], self.C))[:, 0]

        tables = self._by_dual(design, losses, every, weights, rest)
        return tables.reshape(len(tasks), len(labels), design.n_columns)

    def _by_dual(
        self, design: Design, losses: Sequence[Loss], targets: Array, weights: Array, rest: Callable[[Any], Array]
    ) -> Array:
        """Coefficients (n_problems, n_columns) of problems of two classes: by the dual where it can, else by ``rest``.

        The dual is that of cross-entropy, and steps of single rows are fast where these are sparse and as imprecise as
        the steps.
        """
        single = isinstance(design, SparseDesign) and design.single
        plain = np.array([single and loss == CrossEntropyLoss() for loss in losses])
        found, left = np.empty((len(losses), design.n_columns)), ~plain
        if plain.any():
            assert isinstance(design, SparseDesign)
            from steelyard.models._dual import TwoClass, dual_logistic

            problems = TwoClass(design.given, targets[plain], self.C * weights[plain])
            found[plain], solved = dual_logistic(problems, tolerance=_NEAR, max_passes=min(_PASSES, self.max_iter))
            left[np.flatnonzero(plain)[~solved]] = True
        if left.any():
            found[left] = rest(np.flatnonzero(left))
        return found

    def _solved(self, objective: Objective) -> Array:
        """Coefficients (n_problems, columns, n_columns) of the matrix that was given."""
        start = objective.start()
        found = np.empty_like(start)
        each = max(1, _BUDGET // (objective.size * 8 * (2 * PAIRS + 8)))
        small = isinstance(objective.design, DenseDesign) and objective.size <= _WHOLE
        whole = np.array([small and objective.has_hessian(problem) for problem in range(len(start))])
        for kind in (True, False):
            group = np.flatnonzero(whole == kind)
            for first in range(0, len(group), each):
                chosen = group[first : first + each]
                found[chosen] = self._searched(objective, start[chosen], chosen, kind)
        tables = found.reshape(len(start), objective.columns, -1)
        return objective.design.original(tables)

    def _searched(self, objective: Objective, start: Array, chosen: NDArray[np.int64], whole: bool) -> Array:
        """Points of some problems; ``whole``: whether their whole Hessians can be made."""

        def search(
            start: Any, problems: NDArray[np.int64], tolerance: float, most: int, memory: Memory | None
        ) -> Minima:
            return minimise(
                lambda points, places: objective(points, problems[places]),
                lambda vectors, places: objective.precondition(vectors, problems[places]),
                start,
                tolerance=tolerance,
                max_iter=most,
                memory=memory,
            )

        most = min(_LONG, self.max_iter) if whole else self.max_iter
        rough = search(start.astype(np.float32), chosen, 3e-4, most, None)
        found = rough.points.astype(np.float64)
        if objective.design.single:
            return found
        # Valleys in which L-BFGS takes many small steps are a matter of a few steps with the whole Hessian.
        left = np.ones(len(chosen), dtype=bool)
        for place in np.flatnonzero(rough.iterations >= _LONG) if whole else ():
            point, left[place] = self._by_newton(objective, found[place], int(chosen[place]))
            found[place] = point
            left[place] = not left[place]
        rest = np.flatnonzero(left)
        if len(rest):
            memory = rough.memory.astype(np.float64).take(rest)
            found[rest] = search(found[rest], chosen[rest], 2e-6, self.max_iter, memory).points
        return found

    def _by_newton(self, objective: Objective, start: Array, problem: int) -> tuple[Array, bool]:
        only = np.array([problem])

        def evaluate(point: Array) -> tuple[float, Array]:
            values, gradients = objective(point[None], only)
            return float(values[0]), gradients[0]

        def hessian(point: Array, convex: bool) -> Array:
            return objective.hessian(point, problem, convex)

        return newton(evaluate, hessian, start, tolerance=1e-4, max_iter=min(self.max_iter, _STEPS))

    def expected_seconds(self, n_rows: int, n_columns: int, n_classes: int) -> float:
        """About how long a fit takes; see :meth:`Model.expected_seconds`."""
        return 0.01 + 3e-7 * n_rows * n_columns * n_classes

    def restore(self, state: ModelState) -> FittedLinear:
        """Fitted model from its state."""
        arrays, meta = state.arrays, state.meta
        return FittedLinear(
            arrays["coef"],
            arrays["intercept"],
            arrays["present"],
            int(meta["n_classes"]),
            bool(meta.get("multilabel", False)),
        )


def _alike(tasks: Sequence[FitTask]) -> list[list[int]]:
    """Places of the tasks that have the same classes row by row."""
    groups: list[list[int]] = []
    for place, task in enumerate(tasks):
        for group in groups:
            other = tasks[group[0]].codes
            if other is task.codes or np.array_equal(other, task.codes, equal_nan=task.multilabel):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


@dataclass(frozen=True)
class FittedLinear:
    """Coefficients (n_columns, n_scores) and intercepts of a trained linear model."""

    coef: Array
    intercept: Array
    present: NDArray[np.int64]
    n_classes: int
    multilabel: bool = False

    def predict_proba(self, X: Array) -> Array:
        """Probabilities (n_rows, n_classes)."""
        scores: Array = np.asarray(X @ self.coef) + self.intercept
        if self.multilabel:
            small = np.exp(-np.abs(scores))
            out: Array = np.where(scores >= 0, 1.0, small) / (1.0 + small)
            return out
        logits = np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return spread(e / e.sum(axis=1, keepdims=True), self.present, self.n_classes)

    def to_state(self) -> ModelState:
        """Arrays from which the model is made again."""
        meta: dict[str, Any] = {"n_classes": self.n_classes}
        if self.multilabel:
            meta["multilabel"] = True
        return ModelState(meta, {"coef": self.coef, "intercept": self.intercept, "present": self.present})
