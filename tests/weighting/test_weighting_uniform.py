from __future__ import annotations

import numpy as np

from steelyard.weighting import Uniform


def test_it_is_one_everywhere_however_it_is_normalised():
    for normalize in ("samples", "classes", None):
        np.testing.assert_allclose(Uniform(normalize=normalize).values("abc", [1000, 1, 0]), 1.0, rtol=1e-15)
