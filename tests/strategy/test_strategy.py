"""The strategy: one value with a text, a dict and a Python form."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard import Strategy
from steelyard.errors import ArtifactError, ParseError, UnknownNameError, UsageError
from steelyard.registry import components
from steelyard.strategy import PRESETS, SLOTS, conflicts, parse_strategies, preset

CONTRACT = "effective_number(beta=0.999) + focal(gamma=2) + threshold(metric=f1)"

#: Components that need no parameters.
BARE = {
    slot: [name for name in components(slot) if name not in ("manual", "cost", "deploy_prior", "sample")]
    for slot in SLOTS
}


def test_the_contracts_text_comes_back_as_it_was() -> None:
    strategy = Strategy.parse(CONTRACT)
    assert str(strategy) == CONTRACT
    assert Strategy.from_dict(strategy.to_dict()) == strategy


@given(st.fixed_dictionaries({slot: st.sampled_from(names) for slot, names in BARE.items()}))
def test_every_combination_round_trips(parts: dict[str, str]) -> None:
    strategy = Strategy(**parts)  # type: ignore[arg-type]
    assert Strategy.parse(str(strategy)) == strategy
    assert Strategy.from_dict(strategy.to_dict()) == strategy
    assert str(Strategy.parse(str(strategy))) == str(strategy)


def test_order_in_the_text_does_not_matter() -> None:
    assert Strategy.parse("threshold + inverse") == Strategy.parse("inverse + threshold")


def test_doing_nothing_is_a_strategy() -> None:
    assert str(Strategy()) == "do_nothing"
    assert Strategy.parse("do_nothing") == Strategy.parse("uniform + argmax") == Strategy()
    assert Strategy().does_nothing
    assert Strategy.parse("do_nothing + inverse") == Strategy.parse("inverse")


def test_presets_of_the_literature_are_compositions() -> None:
    assert Strategy.parse("balanced_softmax") == Strategy.parse("logit_adjusted(tau=1)")
    assert Strategy.parse("class_balanced_focal + threshold") == Strategy.parse(
        "effective_number(beta=0.999) + focal(gamma=2) + threshold"
    )
    with pytest.raises(ParseError, match="stands for"):
        Strategy.parse("balanced_softmax(tau=2)")


def test_two_parts_for_a_slot_are_an_error() -> None:
    with pytest.raises(ParseError, match="both inverse and sqrt are a weighting"):
        Strategy.parse("inverse + sqrt")


def test_an_unknown_part_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'inverse'\? known: do_nothing"):
        Strategy.parse("invers")


def test_a_component_in_the_wrong_slot_is_an_error() -> None:
    with pytest.raises(UsageError, match="loss slot"):
        Strategy(loss=Strategy.parse("inverse").weighting)


def test_it_is_frozen_and_replace_gives_a_new_one() -> None:
    strategy = Strategy.parse("inverse")
    with pytest.raises(dataclasses.FrozenInstanceError):
        strategy.loss = strategy.loss  # type: ignore[misc]
    assert str(strategy.replace(decision="multipliers")) == "inverse + multipliers"
    assert str(strategy) == "inverse"


def test_an_unknown_slot_in_a_saved_strategy_is_refused() -> None:
    with pytest.raises(ArtifactError, match="no slot called magic"):
        Strategy.from_dict({"magic": {}})


def test_names_are_unique_across_slots() -> None:
    names = [name for slot in SLOTS for name in components(slot)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("n_classes", [2, 5])
def test_presets_parse_and_hold_doing_nothing(name: str, n_classes: int) -> None:
    made = preset(name, n_classes)
    assert Strategy() in made
    assert len(set(made)) == len(made) >= 6
    tuned = "threshold" if n_classes == 2 else "multipliers"
    assert Strategy.parse(tuned) in made


def test_a_list_of_strategies_is_split_and_made_unique() -> None:
    made = parse_strategies("inverse; inverse; threshold(metric=f1)", 2)
    assert [str(strategy) for strategy in made] == ["inverse", "threshold(metric=f1)"]
    with pytest.raises(UsageError, match="no strategy given"):
        parse_strategies(" ; ", 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inverse + balanced", 1),
        ("logit_adjusted + prior", 1),
        ("inverse + logit_adjusted + prior", 3),
        ("inverse + unweight", 0),
        ("inverse + threshold", 0),
        ("do_nothing", 0),
    ],
)
def test_correcting_twice_is_said(text: str, said: int) -> None:
    assert len(conflicts(Strategy.parse(text))) == said
