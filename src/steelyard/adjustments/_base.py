"""What an adjustment is: probabilities to probabilities, by a power and a factor per class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component
from steelyard.errors import ArtifactError, UsageError

Array = NDArray[np.float64]

_STATE, _LABEL_STATE = "class_factors.v1", "label_factors.v1"
# Below this mass of a row the products have lost digits, or everything, to underflow.
_WEAK = 1e-150


def _keep(bound: ClassFactors | LabelFactors, factors: Array) -> None:
    """Check the power of bound factors, and keep both as plain numbers."""
    if not (np.isfinite(bound.power) and bound.power > 0):
        raise UsageError(f"the power must be finite and above 0, got {bound.power}")
    object.__setattr__(bound, "factors", tuple(factors.tolist()))
    object.__setattr__(bound, "power", float(bound.power))


@dataclass(frozen=True)
class ClassFactors:
    """An adjustment bound to data: ``p^power * factors``, with rows that sum to 1 again.

    Parameters
    ----------
    factors : sequence of float, one per class
        Finite, not negative, at least one above 0.
    power : float
        Exponent, above 0; below 1 it flattens, above 1 it sharpens.

    Raises
    ------
    UsageError
        When a factor or the power is none of that.

    Examples
    --------
    >>> ClassFactors((1.0, 3.0)).transform(np.array([[0.75, 0.25]])).tolist()
    [[0.5, 0.5]]
    """

    factors: tuple[float, ...]
    power: float = 1.0

    def __post_init__(self) -> None:
        factors = np.asarray(self.factors, dtype=np.float64)
        if factors.ndim != 1 or not np.isfinite(factors).all() or (factors < 0).any() or not factors.any():
            raise UsageError(f"factors must be finite, at least 0 and not all 0, got {factors.tolist()}")
        _keep(self, factors)

    def transform(self, proba: Array) -> Array:
        """Adjusted probabilities.

        Parameters
        ----------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities; small values and zeros do no harm.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
            Rows sum to 1. A row that loses all its mass, because every class it believes in has the factor 0,
            is spread evenly over the classes with a factor above 0.

        Raises
        ------
        UsageError
            When the number of columns is not the number of factors.
        """
        proba = np.asarray(proba, dtype=np.float64)
        if proba.ndim != 2 or proba.shape[1] != len(self.factors):
            raise UsageError(f"probabilities must have shape (n_samples, {len(self.factors)}), got {proba.shape}")
        if self.power == 1.0 and len(set(self.factors)) == 1:
            return proba
        factors = np.asarray(self.factors) / max(self.factors)
        adjusted = (proba if self.power == 1.0 else proba**self.power) * factors
        total = adjusted.sum(axis=1, keepdims=True)
        weak = total[:, 0] < _WEAK
        if weak.any():
            adjusted[weak] = _in_logarithms(proba[weak], factors, self.power)
            total = adjusted.sum(axis=1, keepdims=True)
        adjusted /= total
        return adjusted

    @staticmethod
    def normalised(scores: Array) -> Array:
        """Scores of the classes as probabilities: rows that sum to 1."""
        normalised: Array = scores / scores.sum(axis=-1, keepdims=True)
        return normalised

    def to_state(self) -> dict[str, Any]:
        """State for JSON."""
        return {"name": _STATE, "factors": list(self.factors), "power": self.power}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> ClassFactors | LabelFactors:
        """Bound adjustment of either form from its state.

        Raises
        ------
        ArtifactError
            When the state is of another version.
        """
        known: dict[str, type[ClassFactors] | type[LabelFactors]] = {_STATE: ClassFactors, _LABEL_STATE: LabelFactors}
        name = str(state.get("name"))
        if name not in known:
            raise ArtifactError(f"this release cannot read the adjustment {name!r}; it knows {', '.join(known)}")
        return known[name](tuple(state["factors"]), state["power"])


@dataclass(frozen=True)
class LabelFactors:
    """An adjustment of labels that each stand for themselves: the odds ``p / (1 - p)`` to ``odds^power * factor``.

    Parameters
    ----------
    factors : sequence of float, one per label
        Finite and not negative.
    power : float
        Exponent of the odds, above 0.

    Raises
    ------
    UsageError
        When a factor or the power is none of that.

    Examples
    --------
    >>> LabelFactors((1.0, 3.0)).transform(np.array([[0.2, 0.25]])).tolist()
    [[0.2, 0.5]]
    """

    factors: tuple[float, ...]
    power: float = 1.0

    def __post_init__(self) -> None:
        factors = np.asarray(self.factors, dtype=np.float64)
        if factors.ndim != 1 or not np.isfinite(factors).all() or (factors < 0).any():
            raise UsageError(f"factors must be finite and at least 0, got {factors.tolist()}")
        _keep(self, factors)

    def transform(self, proba: Array) -> Array:
        """Adjusted probabilities of each label, shape (n_samples, n_labels); 0 and 1 stay what they are.

        Raises
        ------
        UsageError
            When the number of columns is not the number of factors.
        """
        proba = np.asarray(proba, dtype=np.float64)
        if proba.ndim != 2 or proba.shape[1] != len(self.factors):
            raise UsageError(f"probabilities must have shape (n_samples, {len(self.factors)}), got {proba.shape}")
        if self.power == 1.0 and set(self.factors) == {1.0}:
            return proba
        has = proba**self.power * np.asarray(self.factors)
        whole = has + (1.0 - proba) ** self.power
        # Both are 0 only where the label is sure and its factor is 0: what is ruled out wins.
        adjusted: Array = np.divide(has, whole, out=np.zeros_like(has), where=whole > 0)
        return adjusted

    @staticmethod
    def normalised(scores: Array) -> Array:
        """Scores as they are: each label stands for itself."""
        return scores

    def to_state(self) -> dict[str, Any]:
        """State for JSON."""
        return {"name": _LABEL_STATE, "factors": list(self.factors), "power": self.power}


def _in_logarithms(proba: Array, factors: Array, power: float) -> Array:
    with np.errstate(divide="ignore"):
        scores = power * np.log(proba) + np.log(factors)
    top = scores.max(axis=1, keepdims=True)
    lost = ~np.isfinite(top[:, 0])
    scores[lost], top[lost] = np.where(factors > 0, 0.0, -np.inf), 0.0
    adjusted: Array = np.exp(scores - top)
    return adjusted


class Adjustment(Component):
    """Base of all adjustments."""

    kind: ClassVar[str] = "adjustment"
    #: Whether it moves probability towards rare classes, as weighting and sampling do.
    raises_rare: ClassVar[bool] = False

    @abstractmethod
    def bind(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> ClassFactors:
        """Adjustment for a model trained on given data.

        Parameters
        ----------
        priors : ndarray of shape (n_classes,)
            Share of each class in the training rows; 0 for an absent class.
        weights : ndarray of shape (n_classes,)
            Weight each class had in training, by weighting and sampling together; 1 where nothing was
            weighted.
        classes : sequence
            Names of the classes, in the order of the columns; needed by adjustments that name classes.

        Returns
        -------
        ClassFactors
        """

    def bind_labels(self, *, priors: Array, weights: Array, classes: Sequence[Any] = ()) -> LabelFactors:
        """Adjustment of the odds of each label where a row may have several.

        By default ``bind`` for the two classes "has it not" and "has it" of each label.

        Parameters
        ----------
        priors : ndarray of shape (n_labels,)
            Share of the known training rows that have each label.
        weights : ndarray of shape (n_labels,)
            Weight that having the label had in training, against 1 for not having it.
        classes : sequence
            Names of the labels.

        Returns
        -------
        LabelFactors
        """
        bound = [
            self.bind(priors=np.array([1.0 - prior, prior]), weights=np.array([1.0, weight]))
            for prior, weight in zip(priors, weights, strict=True)
        ]
        return LabelFactors(tuple(one.factors[1] / one.factors[0] for one in bound), bound[0].power)


def present_priors(priors: Array) -> Array:
    """Priors in which an absent class has that of the rarest present one, so that it can be divided by.

    Raises
    ------
    UsageError
        When they are not shares of at least one present class.

    Examples
    --------
    >>> present_priors(np.array([0.9, 0.1, 0.0])).tolist()
    [0.9, 0.1, 0.1]
    """
    priors = np.asarray(priors, dtype=np.float64)
    if priors.ndim != 1 or not np.isfinite(priors).all() or (priors < 0).any() or not priors.any():
        raise UsageError(f"priors must be shares of the classes, at least 0 and not all 0, got {priors.tolist()}")
    return np.where(priors > 0, priors, priors[priors > 0].min())


def by_class(values: Mapping[str, Any], classes: Sequence[Any], what: str) -> Array:
    """Values of a mapping in the order of the classes; names are compared as text.

    Raises
    ------
    UsageError
        When a class has no value, or a value no class.
    """
    names = [str(name) for name in classes]
    missing = [name for name in names if name not in values]
    unknown = [name for name in values if name not in names]
    if missing or unknown:
        wrong = f"no value for {missing[0]!r}" if missing else f"{unknown[0]!r} is no class of the data"
        raise UsageError(f"{what}: {wrong}; give one value for each of {', '.join(names) or 'the classes'}")
    return np.array([float(values[name]) for name in names], dtype=np.float64)
