"""Classifiers handed in from Python."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from steelyard.errors import UnknownNameError, UsageError
from steelyard.losses import CrossEntropyLoss
from steelyard.models import FitTask, parse_model, parse_models


def make_task(weight: np.ndarray) -> FitTask:
    rng = np.random.default_rng(0)
    codes = rng.integers(2, size=len(weight))
    X = rng.normal(size=(len(weight), 2)) + codes[:, None]
    return FitTask(X, codes, weight, 2, CrossEntropyLoss(), np.zeros(2, dtype=bool), 11)


def test_a_classifier_is_fitted_as_a_clone_with_weights_and_seed() -> None:
    given = DecisionTreeClassifier(max_features=1)
    task = make_task(np.linspace(0.5, 2, 50))
    fitted = parse_model(given).fit(task)
    by_hand = DecisionTreeClassifier(max_features=1, random_state=11).fit(
        task.X, task.codes, sample_weight=task.sample_weight
    )
    np.testing.assert_array_equal(fitted.predict_proba(task.X), by_hand.predict_proba(task.X))
    assert not hasattr(given, "tree_")


def test_one_without_sample_weight_can_be_studied_unweighted_only() -> None:
    model = parse_model(LinearDiscriminantAnalysis())
    model.fit(make_task(np.ones(50)))
    with pytest.raises(UsageError, match="takes no sample_weight"):
        model.fit(make_task(np.linspace(0.5, 2, 50)))


def test_its_name_is_its_repr() -> None:
    assert str(parse_model(LogisticRegression(C=0.5))) == "LogisticRegression(C=0.5)"


def test_lists_of_models() -> None:
    assert [str(m) for m in parse_models(["linear", LogisticRegression(), "linear"])] == [
        "linear",
        "LogisticRegression()",
    ]
    with pytest.raises(UnknownNameError, match="did you mean 'linear'"):
        parse_models("linaer")
    with pytest.raises(UsageError, match="not 3"):
        parse_model(3)
    with pytest.raises(UsageError, match="no model given"):
        parse_models("")
