"""What commands say on stderr, beside their data on stdout."""

from __future__ import annotations

import sys

from steelyard.progress import StudyProgress

__all__ = ["StudyProgress", "say"]


def say(text: str) -> None:
    """One line on stderr."""
    print(f"steelyard: {text}", file=sys.stderr)
