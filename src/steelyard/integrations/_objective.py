"""What the objectives for LightGBM and XGBoost share: a strategy's weights and loss, bound to class counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.counts import LabelCounts, count_labels
from steelyard.errors import DataError, UnknownNameError, UsageError
from steelyard.losses import Loss
from steelyard.metrics import REPORTED, evaluate, get_metric
from steelyard.models._margins import MarginLoss, probabilities_of
from steelyard.strategy import Strategy
from steelyard.weighting import Weighting

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Objective:
    """Gradient and floored second derivative of a weighted loss, as boosting libraries call for them.

    Works with the native ``train`` (called with margins and the data set) and with the scikit-learn estimators
    (called with labels, margins and, if there are any, weights). Class weights stand outside the loss, and so do the
    data set's own weights, which the libraries leave to a custom objective to apply.

    Attributes
    ----------
    strategy : Strategy
        Its weighting and its loss are used.
    classes : tuple
        Class k of the library is ``classes[k]``.
    class_weight : ndarray of shape (n_classes,)
    """

    strategy: Strategy
    classes: tuple[Any, ...]
    class_weight: Array
    bound: MarginLoss

    @classmethod
    def of(cls, strategy: str | Strategy, counts: Any, factor: Any, hessian_floor: float) -> Self:
        """Objective of a strategy for labels of such counts; ``factor`` is a function of the number of classes."""
        strategy = training_strategy(strategy)
        counted = counts if isinstance(counts, LabelCounts) else count_labels(counts)
        if len(counted) < 2:
            raise DataError(f"an objective needs two classes or more; the labels have {len(counted)}")
        loss, weighting = strategy.loss, strategy.weighting
        assert isinstance(loss, Loss)
        assert isinstance(weighting, Weighting)
        rows = np.asarray(counted.counts, dtype=np.float64)
        weights = weighting.values(counted.classes, rows)
        bound = MarginLoss(loss, rows, rows * weights, factor(len(rows)), hessian_floor)
        return cls(strategy, counted.classes, weights, bound)

    def __call__(self, first: Any, second: Any, weight: Any = None) -> tuple[Array, Array]:
        """Gradient and second derivative in the margins' shape, for ``(margins, data set)`` or ``(y, margins)``."""
        margins, codes, weights = self._read(first, second, weight)
        return self.bound.derivatives(margins, codes, weights)

    @property
    def start(self) -> Array:
        """Margins to start from, shape (n_classes,), or (1,) for two classes: the best constant."""
        return self.bound.start.copy()

    def predict_proba(self, margins: Any) -> Array:
        """Probabilities (n_rows, n_classes) from margins (n_rows,) or (n_rows, n_classes)."""
        return probabilities_of(np.asarray(margins, dtype=np.float64))

    def _read(self, first: Any, second: Any, weight: Any) -> tuple[Array, NDArray[np.int64], Array]:
        if hasattr(second, "get_label"):
            margins, labels, weight = first, second.get_label(), second.get_weight()
        else:
            labels, margins = first, second
        codes = np.asarray(labels).astype(np.int64)
        if codes.size and (codes.min() < 0 or codes.max() >= len(self.classes)):
            raise DataError(
                f"labels must be class numbers from 0 to {len(self.classes) - 1}, as steelyard counted them"
            )
        weights = self.class_weight[codes]
        if weight is not None and np.size(weight):
            weights = weights * np.asarray(weight, dtype=np.float64)
        return np.asarray(margins, dtype=np.float64), codes, weights

    def _evaluated(self, first: Any, second: Any, weight: Any, metric: str | None) -> tuple[str, float, bool]:
        margins, codes, weights = self._read(first, second, weight)
        if metric is None:
            value = float(weights @ self.bound.value(margins, codes) / weights.sum())
            return self.strategy.loss.name, value, False
        if metric not in REPORTED:
            raise UnknownNameError("metric", metric, REPORTED)
        proba = probabilities_of(margins)
        found = evaluate(codes, proba, proba.argmax(axis=1), len(self.classes))[metric]
        return metric, math.nan if found is None else found, get_metric(metric).greater_is_better


def training_strategy(given: str | Strategy) -> Strategy:
    """Strategy of which only weighting and loss are set.

    Raises
    ------
    UsageError
        When another slot is: trees are trained here, and nothing is sampled, adjusted or decided.
    """
    strategy = given if isinstance(given, Strategy) else Strategy.parse(given)
    other = [f"{slot} {part}" for slot, part in strategy.active().items() if slot not in ("weighting", "loss")]
    if other:
        raise UsageError(
            f"only weighting and loss can be set here, not the {other[0]}; for the whole strategy put the estimator "
            "into steelyard.integrations.sklearn.StrategyClassifier"
        )
    return strategy
