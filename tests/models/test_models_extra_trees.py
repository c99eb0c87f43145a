"""Extra trees against scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import ExtraTrees, FitTask


def test_it_predicts_as_well_as_scikit_learns() -> None:
    X, y = make_classification(800, 10, n_informative=6, n_classes=3, random_state=0)
    task = FitTask(X[:400], y[:400], np.ones(400), 3, CrossEntropyLoss(), np.zeros(10, dtype=bool), 0)
    ours, theirs = [], []
    for seed in range(3):
        found = ExtraTrees(100).fit(replace(task, seed=seed)).predict_proba(X[400:])
        ours.append(log_loss(y[400:], np.clip(found, 1e-3, 1) / np.clip(found, 1e-3, 1).sum(axis=1, keepdims=True)))
        found = ExtraTreesClassifier(random_state=seed).fit(X[:400], y[:400]).predict_proba(X[400:])
        theirs.append(log_loss(y[400:], np.clip(found, 1e-3, 1) / np.clip(found, 1e-3, 1).sum(axis=1, keepdims=True)))
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.05)


def test_what_is_no_number_of_rows_is_refused() -> None:
    with pytest.raises(UsageError, match="min_samples_leaf must be a positive whole number"):
        ExtraTrees(min_samples_leaf=0)
