"""The linear part of a model of texts, and how much of it and of the network each label gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.features.text import TfIdf
from steelyard.models._base import Array
from steelyard.models._network import Floats

#: Largest log-odds that the linear model may give.
_LARGEST = 10.0
#: Pull of the shares towards one half, in rows, and the part of it that holds for what is added.
_PULL, _FREE = 1.0, 0.1


@dataclass(frozen=True)
class Wide:
    """The linear part: weighed counts and a model on them."""

    tfidf: TfIdf
    model: Any
    present: NDArray[np.int64]
    several: bool

    def scores(self, blocks: Any) -> Floats:
        """Log-odds, or with one label a row logarithms of probabilities (n_rows, n_outputs), of counted texts."""
        proba: Array = self.model.predict_proba(self.tfidf.transform(blocks))
        if not self.several:
            proba = proba[:, self.present]
            logs: Floats = np.log(np.maximum(proba, np.exp(-_LARGEST))).astype(np.float32)
            return logs
        least = 1 / (1 + np.exp(_LARGEST))
        proba = np.clip(proba, least, 1 - least)
        odds: Floats = (np.log(proba) - np.log1p(-proba)).astype(np.float32)
        return odds


def even_shares(n_outputs: int) -> Array:
    """Half of each for every label, and nothing added."""
    return np.repeat([[0.5], [0.5], [0.0]], n_outputs, axis=1)


def fit_shares(wide: Floats, deep: Floats, loss: Callable[[Array], tuple[Array, Array]], weight: Floats) -> Array:
    """How much of the linear model's scores and of the network's each label gets, and what is added: three rows.

    Parameters
    ----------
    wide, deep : ndarray of shape (n_rows, n_outputs)
        Scores of rows that neither of them was trained on.
    loss : callable
        Loss of these rows from scores, and its slope.
    weight : ndarray of shape (n_rows, 1) or (n_rows, n_outputs)
    """
    from scipy.optimize import minimize

    scores = np.stack([wide, deep, np.ones_like(wide)]).astype(np.float64)
    start = even_shares(wide.shape[1])

    def objective(flat: Array) -> tuple[float, Array]:
        shares = flat.reshape(start.shape)
        values, slope = loss(np.einsum("kij,kj->ij", scores, shares))
        away = _PULL * (shares - start)
        away[2] *= _FREE
        total = float((values * weight).sum() + 0.5 * (away * (shares - start)).sum())
        return total, (np.einsum("kij,ij->kj", scores, slope * weight) + away).ravel()

    found: Array = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return found.reshape(start.shape)
