"""Labels that are not known, given by a first model before the second is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.engine.plan import Training
from steelyard.models import FittedModel
from steelyard.strategy import Strategy

Array = NDArray[np.float64]
#: Models of trainings on encoded rows with these codes and weights of rows.
Fit = Callable[[Sequence[Training], Array, NDArray[Any], "Array | None"], list[FittedModel]]


@dataclass(frozen=True)
class Labelled:
    """Training rows with the labels that were given to them.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_rows, n_columns)
    codes : ndarray
        As in ``EngineData``.
    row_weight : ndarray of shape (n_rows,), optional
    given : ndarray of int64, shape (n_classes, 2)
        Labels given: how many rows were said to have each, and, with several labels a row, to have it not.
    """

    X: Array
    codes: NDArray[Any]
    row_weight: Array | None
    given: NDArray[np.int64]


def fit_labelled(
    trainings: Sequence[Training],
    X: Array,
    codes: NDArray[Any],
    row_weight: Array | None,
    unlabelled: Array | None,
    fit: Fit,
) -> list[FittedModel]:
    """Models of trainings, some of which learn from labels that a first model gives.

    All trainings are of one model. The first model sees the known labels of these rows, and no others.
    """
    fitted: dict[Training, FittedModel] = {}
    plain = [training for training in trainings if not training.labelling.gives]
    teacher = Training(trainings[0].model, Strategy())
    first = list(dict.fromkeys([teacher, *plain]))
    fitted.update(zip(first, fit(first, X, codes, row_weight), strict=True))
    for rule in dict.fromkeys(training.labelling for training in trainings if training.labelling.gives):
        own = [training for training in trainings if training.labelling == rule]
        rows = labelled(own[0], fitted[teacher], X, codes, row_weight, unlabelled)
        fitted.update(zip(own, fit([each.as_given for each in own], rows.X, rows.codes, rows.row_weight), strict=True))
    return [fitted[training] for training in trainings]


def labelled(
    training: Training,
    teacher: FittedModel,
    X: Array,
    codes: NDArray[Any],
    row_weight: Array | None,
    unlabelled: Array | None,
) -> Labelled:
    """Training rows with what the first model is sure of."""
    several = codes.ndim == 2
    n_classes = codes.shape[1] if several else 0
    codes, given = codes.copy(), np.zeros((n_classes, 2), dtype=np.int64)
    if several and (gaps := np.isnan(codes)).any():
        rows = np.flatnonzero(gaps.any(axis=1))
        asked = np.where(gaps[rows], teacher.predict_proba(X[rows]), np.nan)
        found = training.labelling.labels(asked, several)
        given += np.column_stack([(found == 1).sum(axis=0), (found == 0).sum(axis=0)])
        codes[rows] = np.where(gaps[rows], found, codes[rows])
    if unlabelled is None or not unlabelled.shape[0]:
        return Labelled(X, codes, row_weight, given)
    proba = teacher.predict_proba(unlabelled)
    found = training.labelling.labels(proba, several)
    if several:
        sure = ~np.isnan(found).all(axis=1)
        given += np.column_stack([(found == 1).sum(axis=0), (found == 0).sum(axis=0)])
    else:
        sure = found >= 0
        counts = np.bincount(found[sure], minlength=proba.shape[1])
        given = np.column_stack([counts, np.zeros_like(counts)])
    if row_weight is not None:
        row_weight = np.concatenate([row_weight, np.full(int(sure.sum()), row_weight.mean())])
    return Labelled(_stacked(X, unlabelled[sure]), np.concatenate([codes, found[sure]]), row_weight, given)


def _stacked(X: Any, more: Any) -> Array:
    if isinstance(X, np.ndarray):
        return np.concatenate([X, more])
    from scipy.sparse import csr_array, vstack

    stacked: Array = csr_array(vstack([X, more]))
    return stacked
