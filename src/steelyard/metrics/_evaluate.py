"""All reported metrics of one set of predictions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from steelyard.metrics._base import Array, CountMetric, Metric, RowMetric, ScoreMetric
from steelyard.metrics._counts import class_counts, label_counts
from steelyard.registry import parse

#: The metrics that every arm of a study is reported with, in this order.
REPORTED = (
    "macro_f1",
    "weighted_f1",
    "micro_f1",
    "balanced_accuracy",
    "accuracy",
    "mcc",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
)

#: Those of a study in which rows may have several labels.
REPORTED_OF_LABEL_SETS = (*REPORTED[:3], "samples_f1", *REPORTED[3:5], "hamming_loss", *REPORTED[5:])


def get_metric(text: str) -> Metric:
    """Metric from its text form; an unknown name lists the known ones.

    Raises
    ------
    UnknownNameError
        When there is no metric of that name.
    ParseError
        When the text cannot be read.

    Examples
    --------
    >>> get_metric("f_beta(beta=2)").title
    'macro F-beta'
    """
    metric = parse("metric", text)
    assert isinstance(metric, Metric)
    return metric


def evaluate(
    codes: NDArray[np.integer], proba: Array, predicted: NDArray[np.integer], n_classes: int
) -> dict[str, float | None]:
    """All reported metrics of one set of predictions; None where a metric is undefined.

    Parameters
    ----------
    codes : ndarray of int, shape (n_samples,)
        True class.
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities.
    predicted : ndarray of int, shape (n_samples,)
        Predicted class.
    n_classes : int
        Number of classes; those without rows are left out of averages.

    Returns
    -------
    dict of str to float or None
        Plain floats, ready for JSON.

    Examples
    --------
    >>> codes, proba = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> found = evaluate(codes, proba, proba.argmax(axis=1), 2)
    >>> round(found["macro_f1"], 4), found["roc_auc"]
    (0.6667, 1.0)
    >>> evaluate(codes[:2], proba[:2], codes[:2], 2)["roc_auc"] is None
    True
    """
    counts = class_counts(codes, predicted, n_classes)
    values: dict[str, float | None] = {}
    for name in REPORTED:
        metric = get_metric(name)
        if isinstance(metric, CountMetric):
            value = float(metric.from_counts(*counts, float(len(codes))))
        else:
            assert isinstance(metric, ScoreMetric)
            value = float(metric.from_scores(codes, proba))
        values[name] = value if math.isfinite(value) else None
    return values


def evaluate_label_sets(Y: Array, proba: Array, predicted: NDArray[np.integer]) -> dict[str, float | None]:
    """All reported metrics where a row may have several labels, over the known entries; None where undefined.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_labels)
        1, 0, or NaN where not known.
    proba : ndarray of shape (n_samples, n_labels)
        Probability of each label.
    predicted : ndarray of int, shape (n_samples, n_labels)
        1 and 0.

    Returns
    -------
    dict of str to float or None

    Examples
    --------
    >>> Y, proba = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([[0.9, 0.2], [0.2, 0.4], [0.7, 0.8]])
    >>> found = evaluate_label_sets(Y, proba, (proba > 0.5).astype(int))
    >>> round(found["macro_f1"], 4), round(found["accuracy"], 4), found["roc_auc"]
    (0.8333, 0.6667, 1.0)
    """
    counts = label_counts(Y, predicted)
    values: dict[str, float | None] = {}
    for name in REPORTED_OF_LABEL_SETS:
        metric = get_metric(name)
        if isinstance(metric, RowMetric):
            found, mass = metric.from_rows(Y, predicted)
            value = float(found @ mass / mass.sum()) if mass.any() else math.nan
        elif isinstance(metric, CountMetric):
            value = float(metric.from_label_counts(*counts))
        else:
            assert isinstance(metric, ScoreMetric)
            value = float(metric.from_label_scores(Y, proba))
        values[name] = value if math.isfinite(value) else None
    return values
