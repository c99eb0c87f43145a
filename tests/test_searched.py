"""Values left open: how they are written, where they are searched, and that nobody computes with them."""

from __future__ import annotations

import numpy as np
import pytest

import steelyard as sy
from steelyard import registry
from steelyard.errors import ParseError, UsageError
from steelyard.models import parse_model
from steelyard.searched import Choices, Range, Searched
from steelyard.strategy import Strategy

KINDS = ("weighting", "loss", "sampling", "labelling", "adjustment", "decision", "model")


@pytest.mark.parametrize(
    "text",
    ["effective_number(beta=?) + focal(gamma=1|2|5)", "prior(tau=0.5..1.5)", "cross_entropy(label_smoothing=0|1e-2)"],
)
def test_a_strategy_with_open_values_is_a_strategy(text: str) -> None:
    strategy = Strategy.parse(text)
    assert str(strategy) == text
    assert Strategy.from_dict(strategy.to_dict()) == strategy == Strategy.parse(text)
    assert hash(strategy) == hash(Strategy.parse(text))


def test_the_weight_of_a_class_can_be_open() -> None:
    text = "inverse(boost={funny: 1|2|4})"
    strategy = Strategy.parse(text)
    assert str(strategy) == text
    assert Strategy.from_dict(strategy.to_dict()) == strategy
    assert hash(strategy) == hash(Strategy.parse(text))
    manual = Strategy.parse("manual({b: 1..20, a: 1})")
    assert str(manual) == "manual(weights={a: 1, b: 1..20})"
    with pytest.raises(UsageError, match="boost of 'funny' must be finite and above 0, not -1"):
        Strategy.parse("inverse(boost={funny: -1|2})")
    with pytest.raises(UsageError, match="inverse declares no range for boost of funny"):
        Strategy.parse("inverse(boost={funny: ?})")


def test_words_in_quotes_are_never_searches() -> None:
    boosted = Strategy.parse('inverse(boost={"a|b": 2, "?": 3})')
    assert dict(boosted.weighting.boost) == {"a|b": 2.0, "?": 3.0}
    assert Strategy.parse(str(boosted)) == boosted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("focal(gamma=-1|2)", "focal: gamma must be at least 0, not -1"),
        ("focal(gamma=1|)", "a value is missing beside '|'"),
        ("focal(gamma=5..1)", "the lower end of a range must be below the upper one"),
        ("effective_number(beta=0.9..1.5)", r"beta must be a number in \[0, 1\), not 1"),
        ("inverse(defer=?)", "inverse declares no range for defer=.; write values"),
        ("threshold(metric=?)", "threshold declares no range for metric=?"),
    ],
)
def test_a_search_that_cannot_be_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises((ParseError, UsageError), match=message.replace("=?", r"=\?")):
        Strategy.parse(text)


def test_open_values_are_never_computed_with() -> None:
    for call in (
        lambda: sy.class_weights([0, 0, 1], "effective_number(beta=?)"),
        lambda: Strategy.parse("focal(gamma=1|2)").loss.bind(np.array([0.5, 0.5])),
        lambda: Strategy.parse("prior(tau=?)").adjustment.bind(priors=np.array([0.9, 0.1]), weights=np.ones(2)),
    ):
        with pytest.raises(UsageError, match="leaves a value open"):
            call()


def test_ranges_reach_their_ends_on_their_scale() -> None:
    near = Range(0.9, 0.99999, "near_one")
    assert (near.at(0.0), near.at(1.0)) == (0.9, 0.99999)
    # Half-way between a distance of 1e-1 and 1e-5 is 1e-3.
    assert near.at(0.5) == pytest.approx(0.999, abs=1e-12)
    assert Range(1, 100, "log", whole=True).grid() == (1, 3, 10, 32, 100)
    assert Range(1, 3, whole=True).grid() == (1, 2, 3)
    assert Searched("0.1..10").domain(Range(1, 5, "log")) == Range(0.1, 10, "log")
    assert Searched("0..10").domain(Range(1, 5, "log")).scale == "linear"
    assert Searched("none|0.5").domain(None) == Choices((None, 0.5))


@pytest.mark.parametrize("kind", KINDS)
def test_every_declared_range_holds_values_the_component_takes(kind: str) -> None:
    for name, cls in registry.components(kind).items():
        for parameter in cls.ranges:
            # Reading it puts every value of the grid, both ends among them, to the component's own checks.
            made = registry.parse(kind, f"{name}({parameter}=?)")
            assert f"{parameter}=?" in str(made)


def test_models_have_open_values_too() -> None:
    model = parse_model("mlp(hidden=32|64, dropout=?)")
    assert str(model) == "mlp(hidden=32|64, dropout=?)"
    assert parse_model(str(model)) == model
