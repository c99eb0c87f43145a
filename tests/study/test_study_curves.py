"""Curves against scikit-learn, net benefit and reliability by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from steelyard.study.curves import class_curves, net_benefit, rarest_classes, reliability, thinned


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    hits = rng.random(400) < 0.1
    # Rounded, so that there are ties.
    return hits, (rng.random(400) * 0.6 + 0.4 * hits).round(2)


def test_areas_are_scikit_learns(scores) -> None:
    hits, score = scores
    found = class_curves(hits, score)
    assert found["average_precision"] == pytest.approx(average_precision_score(hits, score))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(hits, score))


def test_points_lie_on_scikit_learns_curves(scores) -> None:
    hits, score = scores
    found = class_curves(hits, score)
    precision, recall, _ = precision_recall_curve(hits, score)
    for point in found["precision_recall"]:
        assert np.hypot(recall - point[0], precision - point[1]).min() < 1e-4
    false_rate, true_rate, _ = roc_curve(hits, score, drop_intermediate=False)
    for point in found["roc"]:
        assert np.hypot(false_rate - point[0], true_rate - point[1]).min() < 1e-4
    assert found["roc"][0] == [0, 0]
    assert found["roc"][-1] == [1, 1]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    points = np.column_stack([np.linspace(0, 1, 100_000), np.linspace(0, 1, 100_000) ** 2])
    found = thinned(points)
    assert len(found) <= 62
    assert (found[0], found[-1]) == ([0, 0], [1, 1])
    assert np.hypot(*np.diff(np.array(found), axis=0).T).max() < 0.06


def test_net_benefit_follows_its_definition(scores) -> None:
    hits, score = scores
    for cut in (0.1, 0.34, 0.5, 0.77):
        acted = score >= cut
        by_hand = (acted & hits).mean() - (acted & ~hits).mean() * cut / (1 - cut)
        assert net_benefit(hits, score, np.array([cut]))[0] == pytest.approx(by_hand)


def test_acting_on_all_is_worth_nothing_at_the_share_of_the_class() -> None:
    hits = np.arange(10) < 2
    assert net_benefit(hits, np.ones(10), np.array([0.2]))[0] == pytest.approx(0.0)


def test_reliability_counts_what_came_true() -> None:
    proba = np.array([[0.95, 0.05], [0.92, 0.08], [0.35, 0.65], [0.32, 0.68]])
    codes = np.array([0, 1, 1, 1])
    found = reliability(codes, proba, positive=1)
    assert found["rows"] == [2, 2]
    assert found["predicted"] == pytest.approx([0.065, 0.665])
    assert found["observed"] == [0.5, 1.0]
    assert found["error"] == pytest.approx((0.435 + 0.335) / 2)
    likeliest = reliability(codes, proba, positive=None)
    assert likeliest["rows"] == [2, 2]
    assert likeliest["observed"] == [1.0, 0.5]


def test_curves_are_of_the_rarest_classes_that_have_rows_enough() -> None:
    assert rarest_classes(np.array([500, 260])) == [1]
    assert rarest_classes(np.array([9, 4, 0, 3])) == [3, 1]
    assert rarest_classes(np.array([7])) == [0]
