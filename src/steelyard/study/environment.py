"""What the numbers of a study were made with."""

from __future__ import annotations

import importlib.metadata
import platform


def environment() -> dict[str, str]:
    """Versions that the numbers were made with."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("steelyard", "numpy", "scipy", "scikit-learn", "polars", "lightgbm"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def library_versions() -> dict[str, str]:
    """Versions of the libraries that scores depend on."""
    return {name: version for name, version in environment().items() if name != "platform"}
