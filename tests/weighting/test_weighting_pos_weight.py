from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from steelyard import pos_weights
from steelyard.errors import UsageError
from steelyard.weighting import PosWeight


def test_it_is_the_ratio_that_balances_a_label():
    rng = np.random.default_rng(0)
    Y = (rng.random((300, 4)) < [0.5, 0.2, 0.05, 0.9]).astype(float)
    found = PosWeight().label_values(range(4), Y.sum(axis=0), np.full(4, 300))
    np.testing.assert_allclose(found, pos_weights(Y))
    for label in range(4):
        against, by_it = compute_class_weight("balanced", classes=np.array([0, 1]), y=Y[:, label].astype(int))
        assert found[label] == pytest.approx(by_it / against)


def test_unknown_rows_are_not_negatives():
    assert PosWeight().label_values(["a"], [10], [40]).tolist() == [3.0]


def test_power_boost_and_clip():
    counts, known = [100, 4], [200, 400]
    assert PosWeight(power=0.5).label_values("ab", counts, known) == pytest.approx([1.0, 99**0.5])
    assert PosWeight(boost={"b": 2.0}).label_values("ab", counts, known) == pytest.approx([1.0, 198.0])
    assert PosWeight(clip=(0.5, 10)).label_values("ab", counts, known) == pytest.approx([1.0, 10.0])


def test_no_positives_and_no_negatives_are_taken_to_be_one():
    assert PosWeight().label_values("ab", [0, 50], [50, 50]).tolist() == [50.0, 1 / 50]


@pytest.mark.parametrize("power", [-1, np.inf, np.nan])
def test_bad_power(power):
    with pytest.raises(UsageError, match="power"):
        PosWeight(power=power)
