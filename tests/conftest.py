"""The suite says the same each time: chance is seeded, and each of its processes has one thread."""

from __future__ import annotations

import os
import random
import sys

import numpy as np
import pytest
from hypothesis import settings

# The suite runs in as many processes as there are cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Searching for new counterexamples is asked for by name: pytest --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """A model or a loader that a test makes without a generator starts from the same state in every run."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries under test still draw from the global state
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
