"""A first look at labelled data: how many rows each class has, what weights would do, what to mind.

Nothing is trained here. A table (or labels alone) goes in; a frozen :class:`Inspection` comes out, which the
command line draws and prints.
"""

from __future__ import annotations

from steelyard.inspection.advice import imbalance_advice
from steelyard.inspection.candidates import Candidate, target_candidates
from steelyard.inspection.duplicates import Duplicates
from steelyard.inspection.look import Inspection, inspect_data
from steelyard.inspection.schemes import Scheme, class_weight_schemes

__all__ = [
    "Candidate",
    "Duplicates",
    "Inspection",
    "Scheme",
    "class_weight_schemes",
    "imbalance_advice",
    "inspect_data",
    "target_candidates",
]
