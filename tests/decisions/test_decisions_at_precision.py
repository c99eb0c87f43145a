from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from steelyard.decisions import AtPrecision
from steelyard.errors import UsageError


def example(ties):
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(300), 1 if ties else 9)
    return scores, (rng.random(300) < 0.8 * scores).astype(int)


@pytest.mark.parametrize("level", [0.3, 0.5, 0.6])
@pytest.mark.parametrize("ties", [False, True])
def test_best_recall_of_all_cuts_that_reach_the_precision(level, ties):
    scores, y = example(ties)
    precision, recall, _ = precision_recall_curve(y, scores)
    # scikit-learn ends its curve with an invented point, precision 1 at recall 0.
    reached = precision[:-1] >= level
    assert reached.any()
    rule = AtPrecision(level).fit(scores, y)
    predicted = rule.predict(scores)
    assert rule.notes == ()
    assert precision_score(y, predicted) >= level
    assert recall_score(y, predicted) == pytest.approx(recall[:-1][reached].max())


def test_a_precision_out_of_reach_takes_the_closest_and_says_so():
    scores, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 0, 1, 0])
    rule = AtPrecision(0.9).fit(scores, y)
    assert precision_score(y, rule.predict(scores)) == 0.5
    assert recall_score(y, rule.predict(scores)) == 1.0
    assert "0.9" in rule.notes[0]
    assert "0.5" in rule.notes[0]


def test_each_label_by_itself():
    proba = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    Y = np.array([[0, 1], [0, 0], [1, 0], [1, np.nan]])
    assert AtPrecision(1.0).fit(proba, Y).predict(proba).tolist() == [[0, 1], [0, 0], [1, 0], [1, 0]]


@pytest.mark.parametrize("level", [0.0, -1.0, 1.1, np.nan])
def test_levels_that_cannot_be(level):
    with pytest.raises(UsageError, match="at most 1"):
        AtPrecision(level)


def test_more_than_two_classes_name_multipliers():
    with pytest.raises(UsageError, match="multipliers"):
        AtPrecision().fit(np.full((3, 3), 1 / 3), np.array([0, 1, 2]))
