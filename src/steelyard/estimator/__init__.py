"""``SteelyardClassifier``: a study inside ``fit``, as a scikit-learn classifier; and reading any saved model."""

from __future__ import annotations

from steelyard.estimator.classifier import SteelyardClassifier

__all__ = ["SteelyardClassifier"]
