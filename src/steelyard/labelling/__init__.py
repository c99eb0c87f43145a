"""Labelling: what is made of labels that are not known, before a model is trained."""

from __future__ import annotations

from steelyard.labelling._base import Labelling
from steelyard.labelling.as_given import AsGiven
from steelyard.labelling.class_balanced_pseudo_label import ClassBalancedPseudoLabel
from steelyard.labelling.pseudo_label import PseudoLabel

__all__ = ["AsGiven", "ClassBalancedPseudoLabel", "Labelling", "PseudoLabel"]
