"""The forest against scikit-learn's called by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Forest


def test_it_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    X, codes, weight = rng.normal(size=(200, 3)), rng.integers(3, size=200), rng.uniform(0.5, 2, 200)
    task = FitTask(X, codes, weight, 3, CrossEntropyLoss(), np.zeros(3, dtype=bool), 5)
    theirs = RandomForestClassifier(20, random_state=5).fit(X, codes, sample_weight=weight)
    np.testing.assert_array_equal(Forest(20).fit(task).predict_proba(X), theirs.predict_proba(X))


def test_what_is_no_number_of_trees_is_refused() -> None:
    with pytest.raises(UsageError, match="n_estimators must be a positive whole number"):
        Forest(n_estimators=0)
