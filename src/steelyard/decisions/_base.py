"""What a decision is: a rule from probabilities to labels, fitted on scores of known class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard import registry
from steelyard.component import Component
from steelyard.errors import ArtifactError, DataError, UsageError
from steelyard.metrics import CountMetric, Metric, get_metric

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FittedDecision(ABC):
    """A rule ready to be used, with nothing in it but numbers and words.

    Class attributes
    ----------------
    state_name : str
        Versioned name of its state.

    Parameters
    ----------
    notes : tuple of str
        Guards that were used in fitting it, in words for a report.
    """

    notes: tuple[str, ...] = ()
    state_name: ClassVar[str]

    @abstractmethod
    def predict(self, proba: Array) -> Codes:
        """Labels for probabilities.

        Parameters
        ----------
        proba : ndarray
            Of the form the rule was fitted on: (n_samples,) scores of the positive class,
            (n_samples, n_classes), or (n_samples, n_labels) for multi-label.

        Returns
        -------
        ndarray of int64
            (n_samples,) class codes; (n_samples, n_labels) of 0 and 1 for multi-label.

        Raises
        ------
        UsageError
            When the form is another.
        DataError
            When a probability is NaN, infinite or outside [0, 1].
        """

    @abstractmethod
    def params(self) -> dict[str, Any]:
        """Its numbers, for JSON."""

    @classmethod
    @abstractmethod
    def from_params(cls, params: Mapping[str, Any], notes: tuple[str, ...]) -> FittedDecision:
        """Rule from its numbers."""

    def to_state(self) -> dict[str, Any]:
        """State for JSON: the versioned name, the numbers and the notes."""
        return {"name": self.state_name, **self.params(), "notes": list(self.notes)}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> FittedDecision:
        """Rule of whichever kind from its state.

        Raises
        ------
        ArtifactError
            When this release does not know the name, or the numbers are damaged.
        """
        known = {
            rule.fitted.state_name: rule.fitted
            for rule in registry.components("decision").values()
            if issubclass(rule, Decision)
        }
        name = state.get("name")
        if name not in known:
            raise ArtifactError(f"this release cannot read the decision {name!r}; it knows {', '.join(known)}")
        params = {key: value for key, value in state.items() if key not in ("name", "notes")}
        try:
            return known[name].from_params(params, tuple(state.get("notes", ())))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"the saved decision {name} is damaged: {error!r}; train and save again") from None


class Decision(Component):
    """Base of all decisions.

    Class attributes
    ----------------
    fitted : type of FittedDecision
        What ``fit`` returns.
    """

    kind: ClassVar[str] = "decision"
    fitted: ClassVar[type[FittedDecision]]

    @abstractmethod
    def fit(self, proba: Array, y: Any, *, positive: int | None = None) -> FittedDecision:
        """Rule fitted on probabilities of rows whose class is known.

        Parameters
        ----------
        proba : ndarray
            (n_samples,) scores of the positive class, (n_samples, n_classes), or (n_samples, n_labels).
        y : ndarray
            Class codes (n_samples,) in ``range(n_classes)``, or 0, 1 and NaN (unknown) of shape
            (n_samples, n_labels) for multi-label.
        positive : int, optional
            Code of the positive class among two.

        Returns
        -------
        FittedDecision

        Raises
        ------
        UsageError
            When shapes or codes do not fit each other or the rule.
        DataError
            When a probability is NaN, infinite or outside [0, 1].
        """

    def for_study(self, *, n_classes: int, metric: Metric, multilabel: bool = False) -> Decision:
        """Rule with what it leaves open filled in by a study.

        Parameters
        ----------
        n_classes : int
            Number of classes or labels.
        metric : Metric
            Metric of the study.
        multilabel : bool
            Whether a row may have several labels.
        """
        return self


def check_proba(proba: Any) -> Array:
    """Probabilities as float64 of one or two dimensions.

    Raises
    ------
    UsageError
        When the shape is another.
    DataError
        When a value is NaN, infinite or outside [0, 1] by more than rounding.
    """
    checked: Array = np.asarray(proba, dtype=np.float64)
    if checked.ndim not in (1, 2) or (checked.ndim == 2 and checked.shape[1] == 0):
        raise UsageError(f"probabilities must have shape (n_samples,) or (n_samples, n_classes), got {checked.shape}")
    if checked.size:
        low, high = float(checked.min()), float(checked.max())
        # Written so that NaN fails it too.
        if not (low >= -1e-6 and high <= 1.0 + 1e-6):
            row = int(np.argwhere(~((checked >= -1e-6) & (checked <= 1.0 + 1e-6)))[0][0])
            raise DataError(f"row {row} has a probability outside [0, 1]: {np.ravel(checked[row]).tolist()[:8]}")
    return checked


def check_codes(y: Any, n_samples: int, n_classes: int) -> Codes:
    """Class codes as int64, one per row.

    Raises
    ------
    UsageError
        When they are not whole numbers in ``range(n_classes)``, one per row.
    """
    codes = np.asarray(y)
    if codes.shape != (n_samples,):
        raise UsageError(f"y must have shape ({n_samples},) like the probabilities, got {codes.shape}")
    if codes.dtype.kind not in "biuf" or (codes.dtype.kind == "f" and not (codes == np.floor(codes)).all()):
        raise UsageError("y must hold class codes, whole numbers in the order of the columns of proba")
    codes = codes.astype(np.int64)
    if n_samples and (codes.min() < 0 or codes.max() >= n_classes):
        wrong = int(codes.min() if codes.min() < 0 else codes.max())
        raise UsageError(f"y holds the code {wrong}, but proba has the classes 0 to {n_classes - 1}")
    return codes


def two_columns(proba: Array) -> Array:
    """Scores of one class among two as probabilities of both; two-dimensional arrays stay as they are."""
    both: Array = np.column_stack([1.0 - proba, proba]) if proba.ndim == 1 else proba
    return both


def highest(scores: Array) -> Codes:
    """Column of the highest value in each row; the first where columns tie."""
    codes: Codes = scores.argmax(axis=1).astype(np.int64)
    return codes


def check_columns(proba: Array, n_classes: int) -> Array:
    """Probabilities with the number of columns a rule was fitted on.

    Raises
    ------
    UsageError
        When there are more or fewer.
    """
    if proba.ndim != 2 or proba.shape[1] != n_classes:
        raise UsageError(f"this rule is for probabilities of shape (n_samples, {n_classes}), got {proba.shape}")
    return proba


def metric_text(metric: Any, rule: str) -> str | None:
    """Text form of a rule's metric, checked to be one of predictions.

    Raises
    ------
    UsageError
        When it is a metric of probabilities, which no rule can change.
    """
    if metric is None:
        return None
    found = metric if isinstance(metric, Metric) else get_metric(str(metric))
    if not isinstance(found, CountMetric):
        raise UsageError(f"{rule}: {found} is of probabilities, which a rule does not change; use macro_f1")
    return str(found)


def cheapest(metric: Metric) -> Decision | None:
    """The rule that is best by itself under a metric of costs: the cheapest label. None for other metrics."""
    if metric.name != "cost":
        return None
    rule = registry.parse("decision", str(metric))
    assert isinstance(rule, Decision)
    return rule


def study_metric(metric: Metric) -> str:
    """Metric a rule tunes in a study: the study's, or macro_f1 where that is one of probabilities."""
    return str(metric) if isinstance(metric, CountMetric) else "macro_f1"


def count_metric(text: str) -> CountMetric:
    """Metric of predictions from its text form."""
    metric = get_metric(text)
    assert isinstance(metric, CountMetric)
    return metric
