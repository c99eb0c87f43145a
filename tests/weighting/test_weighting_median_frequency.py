from __future__ import annotations

import numpy as np

from steelyard.weighting import MedianFrequency


def test_raw_weights_by_hand():
    weights = MedianFrequency(normalize=None).values("abcd", [10, 20, 40, 1000])
    np.testing.assert_allclose(weights, [3.0, 1.5, 0.75, 0.03])


def test_the_median_leaves_absent_classes_out():
    weights = MedianFrequency(normalize=None).values("abcd", [10, 0, 40, 1000])
    np.testing.assert_allclose(weights, [4.0, 40.0, 1.0, 0.04])
