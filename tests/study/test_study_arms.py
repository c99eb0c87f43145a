"""Arms that a model cannot train are left out, and the reason is said."""

from __future__ import annotations

import pytest

from steelyard.models import parse_model
from steelyard.strategy import Strategy
from steelyard.study.plan import make_arms


@pytest.mark.parametrize(
    ("strategy", "model", "reason"),
    [
        ("ldam", "linear", "ldam needs a last layer of cosines, which linear has not"),
        ("inverse(defer=0.8)", "linear", "inverse(defer=0.8) needs a model that is trained in passes"),
        ("mixup", "linear", "mixup(alpha=0.2) needs a model that is trained in passes"),
        ("validation_driven", "forest", "validation_driven(rate=0.5, limit=4) needs a model that is trained in passes"),
        ("focal", "forest", "is trained with its own loss only"),
    ],
)
def test_the_reason_names_part_and_model(strategy: str, model: str, reason: str) -> None:
    arms, left_out = make_arms([Strategy.parse("inverse"), Strategy.parse(strategy)], [parse_model(model)])
    assert [str(arm.strategy) for arm in arms] == ["do_nothing", "inverse"]
    assert len(left_out) == 1
    assert reason in left_out[0]


def test_the_network_trains_them_all() -> None:
    strategies = [Strategy.parse(text) for text in ("inverse(defer=0.8) + ldam", "mixup", "validation_driven", "focal")]
    arms, left_out = make_arms(strategies, [parse_model("mlp")])
    assert len(arms) == 5
    assert left_out == ()
