"""``SteelyardClassifier``: a study inside ``fit``, as a scikit-learn classifier; and reading any saved model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steelyard.estimator.save import load

if TYPE_CHECKING:
    from steelyard.estimator.classifier import SteelyardClassifier

__all__ = ["SteelyardClassifier", "load"]


def __getattr__(name: str) -> Any:
    # The class is scikit-learn's child; reading a model need not import scikit-learn.
    if name != "SteelyardClassifier":
        raise AttributeError(f"module 'steelyard.estimator' has no attribute {name!r}")
    from steelyard.estimator.classifier import SteelyardClassifier

    return SteelyardClassifier
