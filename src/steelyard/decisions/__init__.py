"""From probabilities to labels: cuts, class multipliers, costs; tuned on scores of known class, then frozen.

A component (``Threshold(metric="f1")``) says what is wanted; ``fit`` turns it into a :class:`FittedDecision`
that holds only numbers, is saved with a model, and predicts.
"""

from steelyard.decisions._base import Decision, FittedDecision
from steelyard.decisions.argmax import Argmax
from steelyard.decisions.at_precision import AtPrecision
from steelyard.decisions.at_recall import AtRecall
from steelyard.decisions.cost import Cost
from steelyard.decisions.multipliers import Multipliers
from steelyard.decisions.robust_multipliers import RobustMultipliers
from steelyard.decisions.threshold import Threshold

__all__ = [
    "Argmax",
    "AtPrecision",
    "AtRecall",
    "Cost",
    "Decision",
    "FittedDecision",
    "Multipliers",
    "RobustMultipliers",
    "Threshold",
]
