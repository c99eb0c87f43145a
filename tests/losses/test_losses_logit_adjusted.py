"""Logit-adjusted loss: the Bayes rule of its optimum, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.losses import LogitAdjustedLoss


def test_equal_logits_are_optimal_where_classes_differ_by_prior_only() -> None:
    # With features that say nothing, softmax(logits + log prior) = prior needs no logits at all.
    priors = np.array([0.8, 0.15, 0.05])
    codes = np.repeat(np.arange(3), [80, 15, 5])
    _, gradient = LogitAdjustedLoss(1.0).bind(priors)(np.zeros((100, 3)), codes)
    np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-12)


def test_a_negative_tau_is_refused() -> None:
    with pytest.raises(UsageError, match="tau must be at least 0"):
        LogitAdjustedLoss(-1)
