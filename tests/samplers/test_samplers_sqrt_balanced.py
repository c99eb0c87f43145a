"""Square-root balanced sampling by hand."""

from __future__ import annotations

import numpy as np

from steelyard.samplers import SqrtBalanced


def test_shares_are_those_of_the_square_roots() -> None:
    codes = np.array([0] * 400 + [1] * 100 + [2] * 25)
    drawn = SqrtBalanced().draw(codes, 3, np.random.default_rng(0))
    # Roots 20, 10 and 5 of 525 draws.
    assert np.bincount(codes[drawn]).tolist() == [300, 150, 75]
