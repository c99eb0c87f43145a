"""Open values searched inside the training rows of each fold, so that the score of the search is honest."""

from __future__ import annotations

from steelyard.study.tuning.methods import METHODS, Trial, Tuning
from steelyard.study.tuning.run import TRIALS_FILE, Tuned, search_arms, search_size
from steelyard.study.tuning.space import arms_to_search, dimensions, filled, started

__all__ = [
    "METHODS",
    "TRIALS_FILE",
    "Trial",
    "Tuned",
    "Tuning",
    "arms_to_search",
    "dimensions",
    "filled",
    "search_arms",
    "search_size",
    "started",
]
