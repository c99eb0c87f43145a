from __future__ import annotations

import numpy as np
import pytest

from steelyard.weighting import Sqrt


def test_raw_weights_by_hand():
    np.testing.assert_allclose(Sqrt(normalize=None).values("abc", [4, 25, 10000]), [0.5, 0.2, 0.01])


def test_the_ratio_is_the_root_of_that_of_the_counts():
    soccer, funny = Sqrt().values(("soccer", "funny"), [80, 5])
    assert funny / soccer == pytest.approx(4)
