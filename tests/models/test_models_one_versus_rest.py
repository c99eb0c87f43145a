"""Several labels on a model of one label a row: scikit-learn's one-versus-rest, with weights and unknown entries."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from steelyard import registry
from steelyard.losses import Loss
from steelyard.models import FitTask, Linear, fit_labels, parse_model, restore_model

CROSS_ENTROPY = registry.parse("loss", "cross_entropy")
assert isinstance(CROSS_ENTROPY, Loss)


def make_task(n=150, n_labels=3, seed=0, weight=None, unknown=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    Y = (X @ rng.normal(size=(4, n_labels)) + rng.normal(size=(n, n_labels)) > 0.7).astype(float)
    Y[rng.random(Y.shape) < unknown] = np.nan
    weight = np.ones_like(Y) if weight is None else np.where(Y == 1, weight, 1.0)
    return FitTask(X, Y, weight, n_labels, CROSS_ENTROPY, np.zeros(4, bool), seed)


def test_it_is_one_versus_rest():
    task = make_task()
    theirs = OneVsRestClassifier(LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)).fit(task.X, task.codes)
    (fitted,) = fit_labels(Linear(max_iter=2000), [task])
    np.testing.assert_allclose(fitted.predict_proba(task.X), theirs.predict_proba(task.X), atol=2e-4)


def test_each_label_has_its_own_weights_and_its_own_known_rows():
    task = make_task(weight=5.0, unknown=0.2)
    (fitted,) = fit_labels(Linear(max_iter=2000), [task])
    for label in range(3):
        known = ~np.isnan(task.codes[:, label])
        y = task.codes[known, label]
        theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(
            task.X[known], y, sample_weight=task.sample_weight[known, label]
        )
        expected = theirs.predict_proba(task.X)[:, 1]
        np.testing.assert_allclose(fitted.predict_proba(task.X)[:, label], expected, atol=2e-4)


def test_many_tasks_at_once_are_each_their_own():
    first = make_task()
    second = FitTask(first.X, first.codes, np.where(first.codes == 1, 3.0, 1.0), 3, CROSS_ENTROPY, first.categorical, 0)
    together = fit_labels(Linear(), [first, second])
    for task, fitted in zip((first, second), together, strict=True):
        alone = fit_labels(Linear(), [task])[0]
        np.testing.assert_array_equal(fitted.predict_proba(first.X), alone.predict_proba(first.X))


@pytest.mark.parametrize(
    "text", ["linear", "forest(n_estimators=5)", "mlp(hidden=4, epochs=2)", "boosting(n_estimators=3)"]
)
def test_state_goes_round_constants_and_foreign_parts_included(text):
    task = make_task(n_labels=4)
    task.codes[:, 1], task.codes[:, 2] = 0.0, 1.0
    model = parse_model(text)
    (fitted,) = fit_labels(model, [task])
    proba = fitted.predict_proba(task.X)
    assert proba.shape == (150, 4)
    assert (proba[:, 1] == 0).all()
    assert (proba[:, 2] == 1).all()
    again = restore_model(model, fitted.to_state())
    np.testing.assert_array_equal(again.predict_proba(task.X), proba)


def test_a_label_of_which_nothing_is_known_is_never_given():
    task = make_task()
    task.codes[:, 0] = np.nan
    (fitted,) = fit_labels(Linear(), [task])
    assert (fitted.predict_proba(task.X)[:, 0] == 0).all()


def test_any_classifier_of_scikit_learn():
    task = make_task()
    (fitted,) = fit_labels(parse_model(RandomForestClassifier(n_estimators=5)), [task])
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    theirs = OneVsRestClassifier(forest).fit(task.X, task.codes)
    np.testing.assert_allclose(fitted.predict_proba(task.X), theirs.predict_proba(task.X))
