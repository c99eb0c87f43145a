from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from steelyard.decisions import AtRecall
from steelyard.errors import UsageError


def example(ties):
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(300), 1 if ties else 9)
    return scores, (rng.random(300) < 0.8 * scores).astype(int)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("ties", [False, True])
def test_most_precise_of_all_cuts_that_reach_the_recall(level, ties):
    scores, y = example(ties)
    precision, recall, _ = precision_recall_curve(y, scores)
    predicted = AtRecall(level).fit(scores, y).predict(scores)
    assert recall_score(y, predicted) >= level - 1e-12
    assert precision_score(y, predicted) == pytest.approx(precision[recall >= level - 1e-12].max())


def test_each_label_by_itself():
    proba = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    Y = np.array([[0, 1], [0, 0], [1, 0], [1, np.nan]])
    assert AtRecall(1.0).fit(proba, Y).predict(proba).tolist() == [[0, 1], [0, 0], [1, 0], [1, 0]]


@pytest.mark.parametrize("level", [0.0, -1.0, 1.1, np.nan])
def test_levels_that_cannot_be(level):
    with pytest.raises(UsageError, match="at most 1"):
        AtRecall(level)


def test_more_than_two_classes_name_multipliers():
    with pytest.raises(UsageError, match="multipliers"):
        AtRecall().fit(np.full((3, 3), 1 / 3), np.array([0, 1, 2]))
