"""A trained model, and the directory it is kept in."""

from __future__ import annotations

from steelyard.artifact.load import load_model
from steelyard.artifact.save import check_replaceable, save_model
from steelyard.artifact.trained import TrainedModel

__all__ = ["TrainedModel", "check_replaceable", "load_model", "save_model"]
