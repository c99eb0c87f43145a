"""Contract of every sampling, found by discovery."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.registry import components, parse
from steelyard.samplers import Sampling

SAMPLINGS = [cls() for cls in components("sampling").values()]
CODES = np.array([0] * 70 + [2] * 25 + [3] * 5)  # class 1 has no rows


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_draws_are_rows_that_are_there_and_repeat_with_the_seed(sampling: Sampling) -> None:
    drawn = sampling.draw(CODES, 4, np.random.default_rng(3))
    again = sampling.draw(CODES, 4, np.random.default_rng(3))
    assert drawn.min() >= 0
    assert drawn.max() < len(CODES)
    assert np.array_equal(drawn, again)
    assert set(CODES[drawn]) == {0, 2, 3}


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_text_form_comes_back(sampling: Sampling) -> None:
    assert parse("sampling", str(sampling)) == sampling
