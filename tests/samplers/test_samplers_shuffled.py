"""The neutral sampling."""

from __future__ import annotations

import numpy as np

from steelyard.samplers import Shuffled


def test_every_row_once() -> None:
    assert Shuffled().draw(np.array([1, 0, 1]), 2, np.random.default_rng(0)).tolist() == [0, 1, 2]
