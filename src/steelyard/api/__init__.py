"""The study and its result as Python sees them."""

from __future__ import annotations

from steelyard.api.result import StudyResult
from steelyard.api.study import run_study

__all__ = ["StudyResult", "run_study"]
