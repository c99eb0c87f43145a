"""Probabilities put right: for the weights a model was trained with, or for classes in other shares."""

from steelyard.adjustments._base import Adjustment, ClassFactors, LabelFactors
from steelyard.adjustments.deploy_prior import DeployPrior
from steelyard.adjustments.prior import Prior
from steelyard.adjustments.unchanged import Unchanged
from steelyard.adjustments.unweight import Unweight

__all__ = ["Adjustment", "ClassFactors", "DeployPrior", "LabelFactors", "Prior", "Unchanged", "Unweight"]
