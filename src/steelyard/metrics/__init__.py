"""How good predictions are: for all classes together, and for each of them.

Metrics of predicted labels are computed from three counts per class, metrics of probabilities from the
scores; both for many resamples at once. A class without rows is left out of every average over classes.
"""

from steelyard.metrics._base import CountMetric, Metric, PairMetric, RowMetric, ScoreMetric
from steelyard.metrics._counts import class_counts, label_counts, per_class
from steelyard.metrics._evaluate import REPORTED, REPORTED_OF_LABEL_SETS, evaluate, evaluate_label_sets, get_metric
from steelyard.metrics.cost import MeanCost

__all__ = [
    "REPORTED",
    "REPORTED_OF_LABEL_SETS",
    "CountMetric",
    "MeanCost",
    "Metric",
    "PairMetric",
    "RowMetric",
    "ScoreMetric",
    "class_counts",
    "evaluate",
    "evaluate_label_sets",
    "get_metric",
    "label_counts",
    "per_class",
]
