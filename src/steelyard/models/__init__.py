"""Models: what learns."""

from __future__ import annotations

from steelyard.models._base import Encoding, FitTask, FittedModel, Model, ModelState
from steelyard.models._device import device_name
from steelyard.models._one_versus_rest import FittedLabels, fit_labels, restore_model
from steelyard.models._parse import model_from_saved, parse_model, parse_models
from steelyard.models._sklearn import SklearnModel
from steelyard.models.additive_kernel import AdditiveKernel
from steelyard.models.balanced_forest import BalancedForest
from steelyard.models.boosting import Boosting
from steelyard.models.extra_trees import ExtraTrees
from steelyard.models.forest import Forest
from steelyard.models.lda import Lda
from steelyard.models.linear import Linear
from steelyard.models.mlp import Mlp
from steelyard.models.nystroem import Nystroem
from steelyard.models.tagger import Tagger
from steelyard.models.text_network import TextNetwork
from steelyard.models.xgboost import Xgboost

__all__ = [
    "AdditiveKernel",
    "BalancedForest",
    "Boosting",
    "Encoding",
    "ExtraTrees",
    "FitTask",
    "FittedLabels",
    "FittedModel",
    "Forest",
    "Lda",
    "Linear",
    "Mlp",
    "Model",
    "ModelState",
    "Nystroem",
    "SklearnModel",
    "Tagger",
    "TextNetwork",
    "Xgboost",
    "device_name",
    "fit_labels",
    "model_from_saved",
    "parse_model",
    "parse_models",
    "restore_model",
]
