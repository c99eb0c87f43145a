"""The rows that all fits of a study share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.features import TableMatrix, TableSchema


@dataclass(frozen=True)
class Unlabelled:
    """Rows of which no label is known; they are never scored.

    Parameters
    ----------
    matrix : TableMatrix
    folds : ndarray of int64, shape (n_repeats, n_rows)
        Fold of the rows that each belongs with, in whose training it is not seen; -1 where there are none.
    """

    matrix: TableMatrix
    folds: NDArray[np.int64]

    def outside(self, repeat: int, fold: int | None) -> TableMatrix:
        """Rows that may be seen when a fold is scored; all where it is None."""
        return self.matrix if fold is None else self.matrix.take(np.flatnonzero(self.folds[repeat] != fold))


@dataclass(frozen=True)
class EngineData:
    """Rows, their classes and their folds.

    Parameters
    ----------
    matrix : TableMatrix
        All rows.
    schema : TableSchema
        Meaning of the columns.
    codes : ndarray of int64, shape (n_rows,), or of float64, shape (n_rows, n_classes)
        Class of each row. Where a row may have several labels: 1 for those it has, 0 for those it has not, NaN for
        those of which it is not known.
    classes : tuple
        Names of the classes, in the order of the codes.
    folds : ndarray of int64, shape (n_repeats, n_rows)
        Fold in which a row is scored; -1 = always trained on, never scored.
    seed : int
        Seed of the whole run.
    row_weight : ndarray of float64, shape (n_rows,), optional
        Weight of each row, beside those of its class; None is 1 for each.
    unlabelled : Unlabelled, optional
        Rows without any label, for labellings that give them one.
    """

    matrix: TableMatrix
    schema: TableSchema
    codes: NDArray[Any]
    classes: tuple[object, ...]
    folds: NDArray[np.int64]
    seed: int
    row_weight: NDArray[np.float64] | None = None
    unlabelled: Unlabelled | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return self.codes.ndim == 2

    @property
    def task(self) -> str:
        """Kind of the task: "binary", "multiclass" or "multilabel"."""
        if self.multilabel:
            return "multilabel"
        return "binary" if self.n_classes == 2 else "multiclass"

    def fold_seed(self, repeat: int, fold: int) -> int:
        """Seed of all fits of a fold, whatever the model and wherever they run."""
        return int(np.random.SeedSequence([self.seed, repeat, fold]).generate_state(1)[0] >> 1)

    def train_rows(self, repeat: int, fold: int) -> NDArray[np.int64]:
        """Rows that are trained on when a fold is scored."""
        return np.flatnonzero(self.folds[repeat] != fold)

    def score_rows(self, repeat: int, fold: int) -> NDArray[np.int64]:
        """Rows of a fold."""
        return np.flatnonzero(self.folds[repeat] == fold)
