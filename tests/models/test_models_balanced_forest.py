"""The balanced forest against imbalanced-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.ensemble import BalancedRandomForestClassifier
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score

from steelyard.errors import UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import BalancedForest, FitTask
from steelyard.models.balanced_forest import _Drawer


def test_every_class_gives_as_many_rows_as_the_rarest_has() -> None:
    codes = np.repeat([0, 1, 2], [80, 15, 5])
    drawn = _Drawer(codes, np.ones(100)).draw(np.random.default_rng(0))
    assert np.bincount(codes[drawn]).tolist() == [5, 5, 5]


def test_it_is_as_balanced_as_imbalanced_learns() -> None:
    X, y = make_classification(3000, 10, n_informative=5, weights=[0.93], flip_y=0.02, random_state=0)
    task = FitTask(X[:1500], y[:1500], np.ones(1500), 2, CrossEntropyLoss(), np.zeros(10, dtype=bool), 0)
    ours = BalancedForest(100).fit(task).predict_proba(X[1500:])
    theirs = BalancedRandomForestClassifier(
        100, sampling_strategy="all", replacement=True, bootstrap=False, random_state=0
    ).fit(X[:1500], y[:1500])
    found = balanced_accuracy_score(y[1500:], ours.argmax(axis=1))
    assert found == pytest.approx(balanced_accuracy_score(y[1500:], theirs.predict(X[1500:])), abs=0.03)
    assert ours[:, 1].mean() == pytest.approx(theirs.predict_proba(X[1500:])[:, 1].mean(), abs=0.03)


def test_what_is_no_number_of_trees_is_refused() -> None:
    with pytest.raises(UsageError, match="n_estimators must be a positive whole number"):
        BalancedForest(n_estimators=0)
