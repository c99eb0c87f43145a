"""Class-balanced sampling by hand."""

from __future__ import annotations

import numpy as np

from steelyard.samplers import Balanced


def test_shares_are_equal_to_one_draw() -> None:
    codes = np.array([0] * 70 + [1] * 25 + [2] * 5)
    drawn = Balanced().draw(codes, 3, np.random.default_rng(0))
    assert len(drawn) == 100
    assert sorted(np.bincount(codes[drawn])) == [33, 33, 34]


def test_every_row_of_a_class_comes_before_any_comes_again() -> None:
    codes = np.array([0] * 70 + [1] * 25 + [2] * 5)
    times = np.bincount(Balanced().draw(codes, 3, np.random.default_rng(1)), minlength=100)
    for code in range(3):
        own = times[codes == code]
        assert own.max() - own.min() <= 1


def test_an_absent_class_takes_no_share() -> None:
    codes = np.array([0] * 9 + [2])
    drawn = Balanced().draw(codes, 3, np.random.default_rng(0))
    assert np.bincount(codes[drawn], minlength=3).tolist() == [5, 0, 5]
