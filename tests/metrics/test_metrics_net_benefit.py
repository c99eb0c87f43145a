from __future__ import annotations

import numpy as np
import pytest

from steelyard import registry
from steelyard.decisions import RobustMultipliers
from steelyard.errors import UsageError
from steelyard.metrics import get_metric
from steelyard.metrics.net_benefit import NetBenefit
from steelyard.study.curves import net_benefit


def test_by_hand(counted):
    # 5 hits and 3 false alarms among 20 rows; at a threshold of 1/5 an alarm costs a quarter: (5 - 3/4) / 20.
    codes = np.array([1] * 6 + [0] * 14)
    predicted = np.array([1] * 5 + [0] + [1] * 3 + [0] * 11)
    assert float(counted("net_benefit(threshold=0.2)", codes, predicted, 2)) == pytest.approx(0.2125)
    # At even odds hits and alarms weigh the same.
    assert float(counted("net_benefit", codes, predicted, 2)) == pytest.approx(0.1)
    # Of the other class: 11 hits, one alarm.
    assert float(counted("net_benefit(positive=0)", codes, predicted, 2)) == pytest.approx(0.5)


def test_nobody_has_none_and_everybody_what_the_share_says(counted):
    codes = np.repeat([0, 1], [90, 10])
    assert float(counted("net_benefit(threshold=0.1)", codes, np.zeros(100, int), 2)) == 0
    everybody = float(counted("net_benefit(threshold=0.1)", codes, np.ones(100, int), 2))
    assert everybody == pytest.approx(0.1 - 0.9 / 9)
    assert float(counted("net_benefit(threshold=0.3)", codes, codes, 2)) == pytest.approx(0.1)


def test_resamples_are_repeated_rows(counted):
    rng = np.random.default_rng(0)
    codes, predicted = (rng.random(60) < 0.3).astype(int), (rng.random(60) < 0.4).astype(int)
    weights = rng.multinomial(60, np.ones(60) / 60, size=4).astype(float)
    values = counted("net_benefit(threshold=0.25, positive=1)", codes, predicted, 2, weights)
    for value, weight in zip(values, weights, strict=True):
        hits, alarms = weight[(codes == 1) & (predicted == 1)].sum(), weight[(codes == 0) & (predicted == 1)].sum()
        assert value == pytest.approx((hits - alarms / 3) / 60)


def test_several_labels_have_the_mean_of_theirs_over_known_rows():
    hits, predicted = np.array([5.0, 1.0, 0.0]), np.array([8.0, 2.0, 3.0])
    actual, known = np.array([6.0, 4.0, 0.0]), np.array([20.0, 10.0, 20.0])
    # (5 - 3/4) / 20 and (1 - 1/4) / 10; a label that no row has is left out.
    value = get_metric("net_benefit(threshold=0.2)").from_label_counts(hits, predicted, actual, known)
    assert float(value) == pytest.approx((0.2125 + 0.075) / 2)


def test_true_probabilities_are_cut_at_the_threshold():
    rng = np.random.default_rng(1)
    p = rng.beta(1, 4, 20000)
    y = (rng.random(20000) < p).astype(int)
    proba = np.column_stack([1 - p, p])
    rule = RobustMultipliers("net_benefit(threshold=0.2, positive=1)").fit(proba, y)
    acted = rule.predict(proba) == 1
    assert p[acted].min() == pytest.approx(0.2, abs=0.04)
    # The decision curve of the report knows the same number.
    drawn = net_benefit(y == 1, p, np.array([0.2]))[0]
    hits = np.array([((y == k) & (acted == k)).sum() for k in (0, 1)], dtype=float)
    named, actual = np.bincount(acted, minlength=2), np.bincount(y, minlength=2)
    assert float(NetBenefit(0.2, 1).from_counts(hits, named, actual, 20000)) == pytest.approx(drawn, abs=2e-3)


@pytest.mark.parametrize("text", ["net_benefit(threshold=0)", "net_benefit(threshold=1.0)", "net_benefit(positive=2)"])
def test_what_cannot_be_is_said(text):
    with pytest.raises(UsageError, match=r"net_benefit: (threshold|positive) must be"):
        registry.parse("metric", text)


def test_more_classes_name_cost(counted):
    with pytest.raises(UsageError, match="use cost"):
        counted("net_benefit", np.array([0, 1, 2]), np.array([0, 1, 2]), 3)
