"""Numeric columns as normal scores: what is far out is no longer far out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.features.scaling import Scaling

#: Quantiles that are kept of a column; between them the curve is a straight line.
_N_QUANTILES = 300
#: Normal scores are cut here: the score of one row in ten million.
_FARTHEST = 5.199337582605575


@dataclass(frozen=True, eq=False)
class NormalScores:
    """Ranks of numeric values among the fitted rows, as quantiles of a normal distribution, then standardised.

    For continuous columns equal to scikit-learn's ``QuantileTransformer(output_distribution="normal")`` on as many
    quantiles, followed by a ``StandardScaler``; the lowest and the highest value too, where many rows share them, get
    the middle of their ranks. Missing values are set to the median first.

    Attributes
    ----------
    quantiles : ndarray of shape (n_quantiles, n_columns)
    median : ndarray of shape (n_columns,)
    standard : Scaling
        Of the scores.
    """

    quantiles: NDArray[np.float64]
    median: NDArray[np.float64]
    standard: Scaling

    @classmethod
    def learn(cls, X: NDArray[np.float64]) -> NormalScores:
        """Quantiles of the given rows; a column without any value has the median 0."""
        known = ~np.isnan(X)
        empty = ~known.any(axis=0)
        safe = np.where(empty, 0.0, X)
        median = np.nanmedian(safe, axis=0) if X.shape[1] else np.zeros(0)
        filled = np.where(np.isnan(safe), median, safe)
        levels = np.linspace(0.0, 1.0, min(_N_QUANTILES, len(X)))
        quantiles = np.quantile(filled, levels, axis=0) if X.shape[1] else np.zeros((len(levels), 0))
        # Interpolation may leave neighbours out of order by one bit.
        quantiles = np.maximum.accumulate(quantiles, axis=0)
        scores = _scores(filled, quantiles)
        return cls(quantiles, median, Scaling.learn(scores))

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised normal scores, 0 throughout a column that was constant."""
        return self.standard.transform(_scores(np.where(np.isnan(X), self.median, X), self.quantiles))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name."""
        scaled = {f"standard_{key}": value for key, value in self.standard.to_arrays().items()}
        return {"quantiles": self.quantiles, "quantile_median": self.median, **scaled}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NormalScores:
        """Scores from :meth:`to_arrays`'s arrays."""
        prefix = "standard_"
        scaled = {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
        return cls(arrays["quantiles"], arrays["quantile_median"], Scaling.from_arrays(scaled))


def _scores(X: NDArray[np.float64], quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri

    levels = np.linspace(0.0, 1.0, len(quantiles))
    ranks = np.empty_like(X)
    for column, curve in enumerate(quantiles.T):
        # From both sides: a value that many rows share gets the middle of its ranks.
        upper = np.interp(X[:, column], curve, levels)
        lower = -np.interp(-X[:, column], -curve[::-1], -levels[::-1])
        ranks[:, column] = (upper + lower) / 2
    scores: NDArray[np.float64] = np.clip(ndtri(ranks), -_FARTHEST, _FARTHEST)
    return scores
