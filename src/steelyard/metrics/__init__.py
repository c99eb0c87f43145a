"""How good predictions are: for all classes together, and for each of them.

Metrics of predicted labels are computed from three counts per class, metrics of probabilities from the
scores; both for many resamples at once. A class without rows is left out of every average over classes.
"""

from steelyard.metrics._base import CountMetric, Metric, ScoreMetric
from steelyard.metrics._counts import class_counts, per_class
from steelyard.metrics._evaluate import REPORTED, evaluate, get_metric

__all__ = [
    "REPORTED",
    "CountMetric",
    "Metric",
    "ScoreMetric",
    "class_counts",
    "evaluate",
    "get_metric",
    "per_class",
]
