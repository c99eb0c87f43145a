"""The forest against scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.tree import DecisionTreeClassifier

from steelyard.errors import ArtifactError, UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, Forest
from steelyard.models._trees import FittedTrees, grow_trees


def rows(n: int = 400, classes: int = 3) -> tuple[FitTask, np.ndarray, np.ndarray]:
    X, y = make_classification(2 * n, 10, n_informative=6, n_classes=classes, random_state=0)
    X = X.astype(np.float32).astype(np.float64)
    task = FitTask(X[:n], y[:n], np.ones(n), classes, CrossEntropyLoss(), np.zeros(10, dtype=bool), 5)
    return task, X[n:], y[n:]


@pytest.mark.parametrize("leaf", [1, 7])
def test_a_tree_that_tries_every_column_is_scikit_learns(leaf: int) -> None:
    task, fresh, _ = rows()
    ours = grow_trees(task, 1, all_features=True, min_samples_leaf=leaf)
    theirs = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0).fit(task.X, task.codes)
    # Cuts that are equally good are taken by lot in both: they differ deep down, where few rows are.
    assert len(ours.feature) == pytest.approx(theirs.tree_.node_count, rel=0.08)
    assert ours.feature[0] == theirs.tree_.feature[0]
    assert ours.threshold[0] == pytest.approx(theirs.tree_.threshold[0], rel=1e-6)
    assert np.mean(ours.predict_proba(fresh).argmax(axis=1) == theirs.predict(fresh)) > 0.87


def test_a_row_that_weighs_three_is_three_rows() -> None:
    task, fresh, _ = rows(120)
    times = np.random.default_rng(0).integers(1, 4, size=120)
    heavy = grow_trees(replace(task, sample_weight=times.astype(float)), 1, all_features=True)
    again = np.repeat(np.arange(120), times)
    copied = replace(task, X=task.X[again], codes=task.codes[again], sample_weight=np.ones(len(again)))
    np.testing.assert_array_equal(
        heavy.predict_proba(fresh).argmax(axis=1),
        grow_trees(copied, 1, all_features=True).predict_proba(fresh).argmax(1),
    )


def test_it_predicts_as_well_as_scikit_learns() -> None:
    task, fresh, y = rows()
    ours = np.mean([log_loss(y, _inside(Forest().fit(replace(task, seed=s)).predict_proba(fresh))) for s in range(3)])
    forests = [RandomForestClassifier(random_state=s).fit(task.X, task.codes) for s in range(3)]
    theirs = np.mean([log_loss(y, _inside(forest.predict_proba(fresh))) for forest in forests])
    assert ours == pytest.approx(theirs, rel=0.05)


def _inside(proba: np.ndarray) -> np.ndarray:
    clipped = np.clip(proba, 1e-3, 1)
    return clipped / clipped.sum(axis=1, keepdims=True)


def test_what_is_no_number_of_trees_is_refused() -> None:
    with pytest.raises(UsageError, match="n_estimators must be a positive whole number"):
        Forest(n_estimators=0)


@pytest.mark.parametrize("part", ["child", "feature", "leaf", "roots"])
def test_a_node_that_points_outside_is_refused(part: str) -> None:
    task, _, _ = rows(100)
    state = Forest(3).fit(task).to_state()
    damaged = {name: values.copy() for name, values in state.arrays.items()}
    damaged[part][:] = 2**30
    with pytest.raises(ArtifactError, match="points outside"):
        FittedTrees.from_state(replace(state, arrays=damaged))
