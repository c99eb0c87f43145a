"""Mixup: what it draws, and where it says that it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from steelyard.errors import UsageError
from steelyard.samplers import Mixup


def test_every_row_comes_once_and_is_mixed_by_alpha() -> None:
    assert Mixup().draw(np.array([0, 0, 1]), 2, np.random.default_rng(0)).tolist() == [0, 1, 2]
    assert Mixup(alpha=0.7).mixing == 0.7


def test_mixed_rows_cannot_be_handed_out_with_one_label() -> None:
    with pytest.raises(UsageError, match="mixup: a mixed row has two labels"):
        Mixup().fit_resample(np.zeros((2, 1)), [0, 1])


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf")])
def test_alpha_must_be_above_0(alpha: float) -> None:
    with pytest.raises(UsageError, match="mixup: alpha"):
        Mixup(alpha=alpha)
