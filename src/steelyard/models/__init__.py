"""Models: what learns."""

from __future__ import annotations

from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._one_versus_rest import FittedLabels, fit_labels, restore_model
from steelyard.models._parse import model_from_saved, parse_model, parse_models
from steelyard.models._sklearn import SklearnModel
from steelyard.models.boosting import Boosting
from steelyard.models.forest import Forest
from steelyard.models.linear import Linear
from steelyard.models.mlp import Mlp
from steelyard.models.xgboost import Xgboost

__all__ = [
    "Boosting",
    "Encoding",
    "FitTask",
    "FittedLabels",
    "FittedModel",
    "Forest",
    "Linear",
    "Mlp",
    "Model",
    "ModelState",
    "SklearnModel",
    "Xgboost",
    "fit_labels",
    "model_from_saved",
    "parse_model",
    "parse_models",
    "restore_model",
]
