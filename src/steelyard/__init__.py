"""Steelyard: which way of treating rare classes really helps, on your own data, and what it costs the common ones.

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steelyard import (
        adjustments,
        decisions,
        errors,
        integrations,
        losses,
        metrics,
        models,
        samplers,
        strategy,
        weighting,
    )
    from steelyard.api import StudyResult, run_study
    from steelyard.artifact import TrainedModel
    from steelyard.counts import LabelCounts, count_labels
    from steelyard.errors import (
        ArtifactError,
        DataError,
        MissingExtraError,
        SteelyardError,
        UsageError,
    )
    from steelyard.estimator import SteelyardClassifier, load
    from steelyard.inspection import Inspection, inspect_data
    from steelyard.strategy import Strategy
    from steelyard.weighting import (
        ClassWeights,
        class_weights,
        pos_weights,
        sample_weights,
        sequence_weights,
    )

__all__ = [
    "ArtifactError",
    "ClassWeights",
    "DataError",
    "Inspection",
    "LabelCounts",
    "MissingExtraError",
    "SteelyardClassifier",
    "SteelyardError",
    "Strategy",
    "StudyResult",
    "TrainedModel",
    "UsageError",
    "__version__",
    "adjustments",
    "class_weights",
    "count_labels",
    "decisions",
    "errors",
    "inspect_data",
    "integrations",
    "load",
    "losses",
    "metrics",
    "models",
    "pos_weights",
    "run_study",
    "sample_weights",
    "samplers",
    "sequence_weights",
    "strategy",
    "weighting",
]

#: Public name -> (module, name in it); None is the module itself.
_WHERE: dict[str, tuple[str, str | None]] = {
    "ArtifactError": ("errors", "ArtifactError"),
    "ClassWeights": ("weighting", "ClassWeights"),
    "DataError": ("errors", "DataError"),
    "Inspection": ("inspection", "Inspection"),
    "LabelCounts": ("counts", "LabelCounts"),
    "MissingExtraError": ("errors", "MissingExtraError"),
    "SteelyardError": ("errors", "SteelyardError"),
    "SteelyardClassifier": ("estimator", "SteelyardClassifier"),
    "Strategy": ("strategy", "Strategy"),
    "StudyResult": ("api", "StudyResult"),
    "TrainedModel": ("artifact", "TrainedModel"),
    "UsageError": ("errors", "UsageError"),
    "adjustments": ("adjustments", None),
    "class_weights": ("weighting", "class_weights"),
    "count_labels": ("counts", "count_labels"),
    "decisions": ("decisions", None),
    "errors": ("errors", None),
    "inspect_data": ("inspection", "inspect_data"),
    "integrations": ("integrations", None),
    "load": ("estimator", "load"),
    "losses": ("losses", None),
    "metrics": ("metrics", None),
    "models": ("models", None),
    "pos_weights": ("weighting", "pos_weights"),
    "run_study": ("api", "run_study"),
    "sample_weights": ("weighting", "sample_weights"),
    "samplers": ("samplers", None),
    "sequence_weights": ("weighting", "sequence_weights"),
    "strategy": ("strategy", None),
    "weighting": ("weighting", None),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("steelyard")
    if name not in _WHERE:
        raise AttributeError(f"module 'steelyard' has no attribute {name!r}")
    module_name, attribute = _WHERE[name]
    module = importlib.import_module(f"steelyard.{module_name}")
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
