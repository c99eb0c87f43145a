"""Cross-entropy against a hand calculation."""

from __future__ import annotations

import math

import numpy as np

from steelyard.losses import CrossEntropyLoss


def test_by_hand() -> None:
    value, gradient = CrossEntropyLoss().bind(np.array([0.5, 0.5]))(np.array([[0.0, math.log(3)]]), np.array([0]))
    assert math.isclose(value[0], math.log(4))
    np.testing.assert_allclose(gradient, [[-0.75, 0.75]])
