"""The cheapest label under a cost matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from steelyard.component import component
from steelyard.decisions._base import (
    Array,
    Codes,
    Decision,
    FittedDecision,
    check_columns,
    check_proba,
    highest,
    two_columns,
)
from steelyard.errors import UsageError
from steelyard.metrics import Metric

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class FittedCost(FittedDecision):
    """The label with the lowest expected cost."""

    matrix: Matrix
    state_name: ClassVar[str] = "cost.v1"

    def predict(self, proba: Array, costs: Any = None) -> Codes:
        """Class codes; the lowest code where labels cost the same.

        Parameters
        ----------
        proba : ndarray of shape (n_samples,) or (n_samples, n_classes)
        costs : array-like of shape (n_samples, n_classes, n_classes), optional
            A cost matrix for each row in place of the common one: a missed fraud costs its amount.

        Raises
        ------
        UsageError
            When the costs have another shape, or one is not finite.
        """
        n_classes = len(self.matrix)
        proba = check_columns(two_columns(check_proba(proba)), n_classes)
        if costs is None:
            return highest(-(proba @ np.array(self.matrix)))
        each = np.asarray(costs, dtype=np.float64)
        if each.shape != (len(proba), n_classes, n_classes) or not np.isfinite(each).all():
            raise UsageError(
                f"cost: a matrix for each row has the shape {(len(proba), n_classes, n_classes)} and finite numbers; "
                f"here it is {each.shape}"
            )
        return highest(-np.einsum("nt,ntp->np", proba, each))

    def params(self) -> dict[str, Any]:
        """The matrix."""
        return {"matrix": [list(row) for row in self.matrix]}

    @classmethod
    def from_params(cls, params: Mapping[str, Any], notes: tuple[str, ...]) -> FittedCost:
        """Rule from its state."""
        return cls(matrix=Cost(params["matrix"]).matrix, notes=notes)


@component
class Cost(Decision):
    """Predicts the label whose expected cost is lowest: ``argmin_j sum_i p_i cost[i, j]`` (Elkan 2001).

    It needs probabilities that mean what they say; after weighted training add the adjustment ``unweight``.

    Parameters
    ----------
    matrix : array-like of shape (n_classes, n_classes)
        ``matrix[true, predicted]``: what it costs to predict one class when another is true, in any unit.
        Negative entries are benefits.

    Raises
    ------
    UsageError
        When it is not square or not finite, or (on fitting) of another number of classes.

    Examples
    --------
    >>> rule = Cost([[0, 1], [5, 0]]).fit(np.array([[0.8, 0.2], [0.9, 0.1]]))
    >>> rule.predict(np.array([[0.8, 0.2], [0.9, 0.1]])).tolist()
    [1, 0]
    >>> rule.predict(np.array([[0.9, 0.1], [0.9, 0.1]]), costs=[[[0, 1], [5, 0]], [[0, 1], [50, 0]]]).tolist()
    [0, 1]
    """

    matrix: Any

    name = "cost"
    shown = ("matrix",)
    fitted: ClassVar[type[FittedDecision]] = FittedCost

    def __post_init__(self) -> None:
        try:
            matrix = np.array(self.matrix, dtype=np.float64)
        except (TypeError, ValueError):
            matrix = np.zeros(0)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
            raise UsageError("cost: the matrix needs one row and one column per class, as in cost([[0, 1], [5, 0]])")
        if not np.isfinite(matrix).all():
            raise UsageError("cost: every entry of the matrix must be a finite number")
        object.__setattr__(self, "matrix", tuple(tuple(row) for row in matrix.tolist()))

    def fit(self, proba: Array, y: Any = None, *, positive: int | None = None) -> FittedCost:
        """Rule as it is: there is nothing to tune."""
        if np.ndim(y) == 2:
            raise UsageError("cost is for one label per row; for multi-label use threshold")
        check_columns(two_columns(check_proba(proba)), len(self.matrix))
        return FittedCost(matrix=self.matrix)

    def for_study(self, *, n_classes: int, metric: Metric, multilabel: bool = False) -> Decision:
        """Rule as it is; an error where rows may have several labels."""
        if multilabel:
            raise UsageError("cost is for one label per row; where rows have several labels use threshold")
        return self
