from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from steelyard.adjustments import Unweight
from steelyard.errors import UsageError


class Weights:
    """Stands for the library's ClassWeights: all that is asked of it is as_dict."""

    def as_dict(self):
        return {"ham": 1.0, "spam": 9.0}


def bound(adjustment, weights=(1.0, 9.0), classes=("ham", "spam")):
    return adjustment.bind(priors=np.array([0.9, 0.1]), weights=np.array(weights), classes=classes)


def test_weighted_training_is_put_right():
    # Five cells of x in which the share of class 1 is known: weighted by 9 an unrestricted model learns
    # 9 p / (9 p + 1 - p); scikit-learn's, one indicator per cell and all but unpenalised, is such a model.
    share = np.array([0.05, 0.1, 0.2, 0.4, 0.6])
    X = np.repeat(np.eye(5), 100, axis=0)
    y = np.concatenate([np.arange(100) < 100 * p for p in share]).astype(int)
    model = LogisticRegression(C=1e6, class_weight={0: 1.0, 1: 9.0}, tol=1e-10, max_iter=1000).fit(X, y)
    tilted = model.predict_proba(np.eye(5))
    assert tilted[:, 1] == pytest.approx(9 * share / (9 * share + 1 - share), abs=1e-3)
    assert bound(Unweight()).transform(tilted)[:, 1] == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize(
    "weights",
    [{"spam": 9.0, "ham": 1.0}, Weights(), [1.0, 9.0], np.array([2.0, 18.0])],
    ids=["mapping", "class_weights", "list", "array"],
)
def test_given_weights_take_the_place_of_the_bound_ones(weights):
    found = bound(Unweight(weights), weights=(1.0, 1.0)).transform(np.array([[0.5, 0.5]]))
    assert found == pytest.approx(np.array([[0.9, 0.1]]))


def test_names_are_compared_as_text():
    found = bound(Unweight({0: 1.0, 1: 9.0}), classes=(0, 1)).transform(np.array([[0.5, 0.5]]))
    assert found == pytest.approx(np.array([[0.9, 0.1]]))


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"ham": 1.0}, "no value for 'spam'"), ({"ham": 1, "spam": 2, "eggs": 3}, "'eggs' is no class")],
)
def test_weights_match_the_classes(weights, message):
    with pytest.raises(UsageError, match=message):
        bound(Unweight(weights))


@pytest.mark.parametrize("weights", [[1.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [], {"ham": 0.0}])
def test_weights_are_above_zero(weights):
    with pytest.raises(UsageError, match="above 0"):
        Unweight(weights)


def test_one_weight_per_class():
    with pytest.raises(UsageError, match="3 weights for 2 classes"):
        bound(Unweight([1.0, 2.0, 3.0]))


def test_training_weights_are_above_zero():
    with pytest.raises(UsageError, match="above 0"):
        bound(Unweight(), weights=(0.0, 1.0))
