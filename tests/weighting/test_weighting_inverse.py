from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from steelyard.weighting import Inverse, class_weights


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=80))
def test_it_is_scikit_learns_balanced(labels):
    y = np.array(labels)
    oracle = compute_class_weight("balanced", classes=np.unique(y), y=y)
    np.testing.assert_allclose(class_weights(y, "inverse").as_array(), oracle, rtol=1e-12)


def test_raw_weights_of_the_ner_tags():
    counts = {0: 112328, 1: 3704, 2: 169578, 3: 1155}
    weights = class_weights(counts, "inverse", normalize=None)
    np.testing.assert_allclose(weights.as_array(), [8.9025e-06, 2.69978e-04, 5.89699e-06, 8.65801e-04], rtol=1e-5)


def test_eighty_against_five():
    weights = class_weights({"soccer": 80, "funny": 5}, "inverse", normalize="classes")
    assert weights["soccer"] == pytest.approx(0.118, abs=5e-4)
    assert weights["funny"] == pytest.approx(1.882, abs=5e-4)
    assert weights["funny"] / weights["soccer"] == pytest.approx(16)


def test_ten_percent_positive():
    raw = Inverse(normalize=None).values((1, 0), [100, 900])
    np.testing.assert_allclose(raw * 1000, [10, 1.11], atol=2e-3)
