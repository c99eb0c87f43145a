from __future__ import annotations

import math

import numpy as np

from steelyard.weighting import Log


def test_raw_weights_by_hand():
    counts = [1, round(math.e**5 - 1), 10**9]
    expected = [1 / math.log(2), 1 / math.log(148), 1 / math.log(10**9 + 1)]
    np.testing.assert_allclose(Log(normalize=None).values("abc", counts), expected, rtol=1e-12)
