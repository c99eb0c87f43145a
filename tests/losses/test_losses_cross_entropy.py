"""Cross-entropy against a hand calculation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss


def test_by_hand() -> None:
    value, gradient = CrossEntropyLoss().bind(np.array([0.5, 0.5]))(np.array([[0.0, math.log(3)]]), np.array([0]))
    assert math.isclose(value[0], math.log(4))
    np.testing.assert_allclose(gradient, [[-0.75, 0.75]])


def test_smoothing_weighs_what_the_true_class_weighs() -> None:
    # p = (1/4, 3/4), true class 0: 0.9 log 4 + 0.1 (log 4 + log 4/3) / 2, all of it times the weight of class 0.
    value, gradient = CrossEntropyLoss(label_smoothing=0.1).bind(np.array([0.5, 0.5]))(
        np.array([[0.0, math.log(3)]]), np.array([0])
    )
    assert math.isclose(value[0], 0.9 * math.log(4) + 0.05 * (math.log(4) + math.log(4 / 3)))
    np.testing.assert_allclose(gradient, [[0.25 - 0.95, 0.75 - 0.05]])


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_smoothing_is_a_share(bad: float) -> None:
    with pytest.raises(UsageError, match="label_smoothing must be from 0 to 1"):
        CrossEntropyLoss(label_smoothing=bad)
