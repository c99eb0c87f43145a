"""What a metric is: a number for predictions (from counts per class) or for probabilities (from scores)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
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

    def for_classes(self, classes: Sequence[object]) -> Metric:
        """The metric with what it says of classes by name put in their order.

        Raises
        ------
        UsageError
            When it names other classes.
        """
        return self


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

    def from_label_counts(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Value where a row may have several labels; by default the mean of ``label_values``.

        Parameters
        ----------
        hits, predicted, actual : ndarray of shape (..., n_labels)
            As for ``from_counts``, over the rows for which the label is known. A label that no row has is left out.
        known : ndarray of shape (..., n_labels)
            Rows for which the label is known.

        Returns
        -------
        ndarray of shape (...)
            NaN where no label has rows.
        """
        hits, predicted, actual, known = np.broadcast_arrays(hits, predicted, actual, known)
        present = actual > 0
        values = np.where(present, self.label_values(hits, predicted, actual, known), 0.0)
        return ratio(values.sum(axis=-1), present.sum(axis=-1), empty=np.nan)

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Value of each label by itself, which is what a cut of its own is tuned for, of shape (..., n_labels).

        By default the metric of the two classes "has the label" and "has it not".
        """
        misses = known - actual - predicted + hits
        pairs = ((misses, hits), (known - predicted, predicted), (known - actual, actual))
        both = [np.stack(np.broadcast_arrays(*pair), axis=-1) for pair in pairs]
        return self.from_counts(both[0], both[1], both[2], known)

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

    def label_values(self, hits: Array, predicted: Array, actual: Array, known: Array) -> Array:
        """Value of the rows that have the label; those that have it not are no class here."""
        return self.per_class(hits, predicted, actual)


class RowMetric(CountMetric):
    """Count metric that is a mean over rows where a row may have several labels: it looks at whole label sets."""

    @abstractmethod
    def from_rows(self, Y: Array, predicted: NDArray[np.integer]) -> tuple[Array, Array]:
        """Value of each row, and what it counts.

        Parameters
        ----------
        Y : ndarray of shape (n_samples, n_labels)
            1, 0, or NaN where not known.
        predicted : ndarray of int, shape (n_samples, n_labels)
            1 and 0.

        Returns
        -------
        value, mass : ndarray of shape (n_samples,)
            The metric is the mean of the values weighted by the masses.
        """


class PairMetric(Metric):
    """Metric of predicted labels that is a mean over rows of what each pair of true and predicted class is worth."""

    needs: ClassVar[Literal["predictions", "probabilities"]] = "predictions"

    @abstractmethod
    def from_pairs(self, codes: NDArray[np.integer], predicted: NDArray[np.integer]) -> Array:
        """Value of each row.

        Parameters
        ----------
        codes, predicted : ndarray of int, shape (n_samples,)
            True and predicted class of each row.
        """


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

    def from_label_scores(self, Y: Array, proba: Array, weights: Array | None = None) -> Array | float:
        """Mean over labels of the value of "has it, has it not", each over the rows for which it is known.

        Parameters
        ----------
        Y : ndarray of shape (n_samples, n_labels)
            1, 0, or NaN where not known. A label that all, or none, of its known rows have is left out.
        proba : ndarray of shape (n_samples, n_labels)
            Probability of each label.
        weights : ndarray of shape (n_resamples, n_samples), optional
            Weights of the rows, one line per resample.

        Returns
        -------
        float, or ndarray of shape (n_resamples,) when weights are given
        """
        values = []
        for label in range(Y.shape[1]):
            known = ~np.isnan(Y[:, label])
            codes = Y[known, label].astype(np.int64)
            if not (codes.any() and (codes == 0).any()):
                continue
            lines = None if weights is None else weights[:, known]
            values.append(self.of_label(codes, proba[known, label], lines))
        if not values:
            return float("nan") if weights is None else np.full(len(weights), np.nan)
        table = np.stack([np.atleast_1d(value) for value in values])
        defined = ~np.isnan(table)
        mean = ratio(np.where(defined, table, 0.0).sum(axis=0), defined.sum(axis=0), empty=np.nan)
        return float(mean[0]) if weights is None else mean

    def of_label(self, codes: NDArray[np.integer], score: Array, weights: Array | None) -> Array | float:
        """Value of one label: codes 0 and 1, and probabilities of 1, of its known rows."""
        return self.from_scores(codes, np.column_stack([1.0 - score, score]), weights)


def ratio(numerator: Array, denominator: Array | float, empty: float = 0.0) -> Array:
    """Quotient; ``empty`` where the denominator is 0.

    Examples
    --------
    >>> ratio(np.array([1.0, 2.0]), np.array([2.0, 0.0])).tolist()
    [0.5, 0.0]
    """
    above, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    shape = above.shape if above.shape == below.shape else np.broadcast_shapes(above.shape, below.shape)
    quotient: Array = np.divide(above, below, out=np.full(shape, empty), where=below != 0)
    return quotient
