"""Weights that follow the recall: what a model is told, and what is refused."""

from __future__ import annotations

import pytest

from steelyard.errors import UsageError
from steelyard.weighting import Inverse, ValidationDriven


def test_a_model_is_told_rate_and_limit() -> None:
    assert ValidationDriven(rate=0.2, limit=3).following == (0.2, 3.0)
    assert ValidationDriven().in_passes


def test_other_weights_stay_unless_they_are_deferred() -> None:
    assert Inverse().following is None
    assert not Inverse().in_passes
    assert Inverse(defer=0.8).in_passes
    assert str(Inverse(defer=0.8)) == "inverse(defer=0.8)"


@pytest.mark.parametrize("bad", [{"rate": 0}, {"limit": 1}, {"rate": float("inf")}, {"limit": float("nan")}])
def test_what_is_out_of_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="validation_driven: "):
        ValidationDriven(**bad)


@pytest.mark.parametrize("defer", [-0.1, 1, float("nan")])
def test_defer_is_a_share(defer: float) -> None:
    with pytest.raises(UsageError, match="defer must be from 0 to below 1"):
        Inverse(defer=defer)
