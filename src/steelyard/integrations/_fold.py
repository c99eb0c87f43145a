"""One fit inside a :class:`StrategyClassifier`: the rows of a fold drawn and weighed, an estimator trained on them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from steelyard.adjustments import Adjustment, ClassFactors
from steelyard.component import Component
from steelyard.errors import UsageError
from steelyard.samplers import Sampling
from steelyard.strategy import Strategy
from steelyard.weighting import Weighting

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """All rows given to ``fit``.

    Parameters
    ----------
    X : array, data frame or sparse matrix of shape (n_rows, n_columns)
    codes : ndarray of shape (n_rows,)
    classes : ndarray of shape (n_classes,)
    weight : ndarray of shape (n_rows,), or None
        What the caller weighs them by.
    fit_params : dict
        Further arguments of the estimator's ``fit``.
    """

    X: Any
    codes: Codes
    classes: NDArray[Any]
    weight: Array | None = None
    fit_params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FittedFold:
    """A trained estimator and the adjustment that belongs to how it was trained."""

    estimator: Any
    factors: ClassFactors

    def predict_proba(self, X: Any, classes: NDArray[Any]) -> Array:
        """Adjusted probabilities (n_rows, n_classes); a class the estimator never saw has 0 before the adjustment."""
        proba = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
        spread = np.zeros((len(proba), len(classes)))
        spread[:, np.searchsorted(classes, self.estimator.classes_)] = proba
        return self.factors.transform(spread)


def prepare(estimator: Any, strategy: Strategy, *, weighted: bool) -> Any:
    """Unfitted estimator that minimises the strategy's loss, checked to take what the strategy will hand it.

    Raises
    ------
    UsageError
        When it cannot.
    """
    name = type(estimator).__name__
    if not hasattr(estimator, "predict_proba"):
        raise UsageError(
            f"{name} has no predict_proba, which adjustments and decisions work on; "
            "wrap it in sklearn.calibration.CalibratedClassifierCV"
        )
    active = strategy.active()
    if "labelling" in active:
        raise UsageError(f"{active['labelling']} trains twice, which only a study does: take it out of the strategy")
    if isinstance(estimator, FrozenEstimator):
        asked = [f"{slot} {active[slot]}" for slot in ("weighting", "loss", "sampling") if slot in active]
        if asked:
            raise UsageError(f"a FrozenEstimator is not trained again, so the {asked[0]} cannot be applied to it")
        return estimator
    estimator = clone(estimator)
    if "loss" in active:
        estimator = _with_loss(estimator, active["loss"])
    if (weighted or "weighting" in active) and not _takes_weights(_last(estimator)):
        why = f"weighted by {active['weighting']}" if "weighting" in active else "fitted with sample_weight"
        raise UsageError(f"{type(_last(estimator)).__name__} takes no sample_weight, so it cannot be {why}")
    return estimator


def fit_fold(estimator: Any, strategy: Strategy, rows: Rows, index: Codes, rng: np.random.Generator) -> FittedFold:
    """Train a copy of the estimator on some of the rows: draw them, weigh them, fit.

    Parameters
    ----------
    estimator : classifier
        From :func:`prepare`.
    strategy : Strategy
    rows : Rows
    index : ndarray of int
        Positions of the rows to train on.
    rng : numpy.random.Generator
    """
    weighting, sampling, adjustment = strategy.weighting, strategy.sampling, strategy.adjustment
    assert isinstance(weighting, Weighting)
    assert isinstance(sampling, Sampling)
    assert isinstance(adjustment, Adjustment)
    classes = tuple(rows.classes.tolist())
    codes = rows.codes[index]
    numbers = np.bincount(codes, minlength=len(classes))
    given = np.ones(len(codes)) if rows.weight is None else rows.weight[index]
    counts = np.bincount(codes, weights=given, minlength=len(classes))
    class_weight = weighting.values(classes, counts)
    factors = adjustment.bind(
        priors=counts / counts.sum(), weights=class_weight * sampling.rates(numbers), classes=classes
    )
    if isinstance(estimator, FrozenEstimator):
        return FittedFold(estimator, factors)
    active = strategy.active()
    params = _check_method_params(rows.X, rows.fit_params, index)
    X = _safe_indexing(rows.X, index)
    if "sampling" in active and sampling.synthetic:
        if rows.weight is not None or params:
            raise UsageError(f"{sampling.name} makes new rows, which have no sample_weight or other metadata")
        X, codes = sampling.resample(np.asarray(X, dtype=np.float64), codes, len(classes), rng)
        given = np.ones(len(codes))
    elif "sampling" in active:
        drawn = sampling.draw(codes, len(classes), rng)
        params = _check_method_params(X, params, drawn)
        X, codes, given = _safe_indexing(X, drawn), codes[drawn], given[drawn]
    if rows.weight is not None or "weighting" in active:
        params[_weight_name(estimator)] = given * class_weight[codes]
    return FittedFold(clone(estimator).fit(X, rows.classes[codes], **params), factors)


def _with_loss(estimator: Any, loss: Component) -> Any:
    last = _last(estimator)
    if not hasattr(last, "with_loss"):
        raise UsageError(
            f"{type(last).__name__} is trained with its own loss and cannot minimise {loss}; LightGBMClassifier and "
            "XGBoostClassifier of steelyard.integrations can"
        )
    if last is estimator:
        return last.with_loss(loss)
    return estimator.set_params(**{estimator.steps[-1][0]: last.with_loss(loss)})


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _takes_weights(estimator: Any) -> bool:
    parameters = inspect.signature(estimator.fit).parameters
    return "sample_weight" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _weight_name(estimator: Any) -> str:
    # Without routing a pipeline takes what belongs to a step under the step's name.
    if isinstance(estimator, Pipeline) and not get_config()["enable_metadata_routing"]:
        return f"{estimator.steps[-1][0]}__sample_weight"
    return "sample_weight"
