"""What a metric is: a number for predictions (from counts per class) or for probabilities (from scores)."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from steelyard.component import Component

#: float64 arrays; leading axes are resamples, the last one is the classes.
Array = NDArray[np.float64]


class Metric(Component):
    """Base of all metrics.

    Class attributes
    ----------------
    greater_is_better : bool
        False for losses.
    needs : {"predictions", "probabilities"}
        What it is computed from.
    title : str
        Its name in words, for a report.
    """

    kind: ClassVar[str] = "metric"
    greater_is_better: ClassVar[bool] = True
    needs: ClassVar[Literal["predictions", "probabilities"]]
    title: ClassVar[str]


class CountMetric(Metric):
    """Metric of predicted labels, computed from three counts per class.

    Counts rather than rows, because a bootstrap of a thousand resamples or a sweep over every cut point is
    then one array operation.

    Class attributes
    ----------------
    decomposable : bool
        Whether it is a function of sums over classes; then ``class_terms`` and ``from_sums`` are defined and
        ``from_counts`` follows from them.
    """

    needs: ClassVar[Literal["predictions", "probabilities"]] = "predictions"
    decomposable: ClassVar[bool] = True

    def from_counts(self, hits: Array, predicted: Array, actual: Array, total: Array | float) -> Array:
        """Value for counts per class; leading axes are kept.

        Parameters
        ----------
        hits : ndarray of shape (..., n_classes)
            Rows of the class that were predicted as it.
        predicted : ndarray of shape (..., n_classes)
            Rows predicted as the class.
        actual : ndarray of shape (..., n_classes)
            Rows that are of the class. A class without rows is left out of averages over classes.
        total : ndarray of shape (...) or float
            Number of rows.

        Returns
        -------
        ndarray of shape (...)
            NaN where no class has rows.
        """
        hits, predicted, actual = np.broadcast_arrays(hits, predicted, actual)
        sums = tuple(term.sum(axis=-1) for term in self.class_terms(hits, predicted, actual))
        return self.from_sums(sums, actual, total)

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Contributions of each class to the sums the metric is made of, element by element."""
        raise NotImplementedError(f"{self.name} is not a function of sums over classes")

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Value from the sums of ``class_terms`` over the classes, each of shape (...)."""
        raise NotImplementedError(f"{self.name} is not a function of sums over classes")

    def fraction(self, actual: Array, total: float) -> tuple[Array, float, Array] | None:
        """The metric as a sum of fractions, where it is one: what compiled sweeps over cuts need.

        Returns
        -------
        (factor, by_predicted, rest) or None
            So that the value is the sum over the classes of ``factor * hits / (by_predicted * predicted + rest)``, a
            class without hits counting 0; ``factor`` and ``rest`` are float64 of shape (n_classes,).
        """
        return None


class MacroMetric(CountMetric):
    """Count metric that is the plain mean of one number per class over the classes that have rows."""

    @abstractmethod
    def per_class(self, hits: Array, predicted: Array, actual: Array) -> Array:
        """Value of each class; anything where the class has no rows."""

    def _shares(self, actual: Array) -> Array:
        """What each class counts in the mean."""
        present = actual > 0
        shares: Array = present / max(int(present.sum()), 1)
        return shares

    def class_terms(self, hits: Array, predicted: Array, actual: Array) -> tuple[Array, ...]:
        """Value of each class, 0 where the class has no rows."""
        return (np.where(actual > 0, self.per_class(hits, predicted, actual), 0.0),)

    def from_sums(self, sums: tuple[Array, ...], actual: Array, total: Array | float) -> Array:
        """Mean over the classes that have rows."""
        return ratio(sums[0], (actual > 0).sum(axis=-1), empty=np.nan)


class ScoreMetric(Metric):
    """Metric of probabilities."""

    needs: ClassVar[Literal["predictions", "probabilities"]] = "probabilities"

    @abstractmethod
    def from_scores(self, codes: NDArray[np.integer], proba: Array, weights: Array | None = None) -> Array | float:
        """Value for the probabilities of rows of known class.

        Parameters
        ----------
        codes : ndarray of int, shape (n_samples,)
            Class of each row.
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities; their rows sum to 1.
        weights : ndarray of shape (n_resamples, n_samples), optional
            Weights of the rows, one line per resample.

        Returns
        -------
        float, or ndarray of shape (n_resamples,) when weights are given
            NaN where it is undefined.
        """


def ratio(numerator: Array, denominator: Array | float, empty: float = 0.0) -> Array:
    """Quotient; ``empty`` where the denominator is 0.

    Examples
    --------
    >>> ratio(np.array([1.0, 2.0]), np.array([2.0, 0.0])).tolist()
    [0.5, 0.0]
    """
    numerator, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient: Array = np.divide(numerator, below, out=np.full(below.shape, empty), where=below != 0)
    return quotient
