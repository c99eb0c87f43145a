"""What an arm leaves open: the values that are searched, and the arm with numbers in their place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from steelyard.component import Component
from steelyard.errors import UsageError
from steelyard.models import Model
from steelyard.searched import Domain, Place, Searched, domain_of, open_places, put, start_of
from steelyard.study.plan import Arm, StudyArm
from steelyard.study.tuning.methods import Tuning

Values = dict[str, Any]


@dataclass(frozen=True)
class Dimension:
    """One value that is searched.

    Parameters
    ----------
    slot : str
        Slot of the strategy, or "model".
    place : (str, str or None)
        Parameter, and the key where that is a mapping.
    name : str
        Component and parameter, such as "focal.gamma"; of a mapping the key as well, as in "inverse.boost.funny".
    domain : Domain
    start : object
        Where the search starts.
    """

    slot: str
    place: Place
    name: str
    domain: Domain
    start: Any


def dimensions(arm: StudyArm) -> tuple[Dimension, ...]:
    """What an arm leaves open, in the order of its text form.

    Examples
    --------
    >>> from steelyard.models import parse_model
    >>> from steelyard.strategy import Strategy
    >>> [d.name for d in dimensions(Arm(Strategy.parse("focal(gamma=?)"), parse_model("linear(C=1|10)")))]
    ['focal.gamma', 'linear.C']
    """
    if not isinstance(arm, Arm):
        return ()
    return tuple(
        Dimension(
            slot,
            place,
            ".".join(filter(None, (part.name, *place))),
            domain_of(part, place, value),
            start_of(part, place, value),
        )
        for slot, part in _parts(arm).items()
        for place, value in open_places(part).items()
    )


def filled(arm: Arm, values: Mapping[str, Any]) -> Arm:
    """The arm with a value in each open place, by the dimension's name."""
    changes: dict[str, dict[Place, Any]] = {}
    for each in dimensions(arm):
        changes.setdefault(each.slot, {})[each.place] = values[each.name]
    parts = _parts(arm)
    return _changed(arm, {slot: put(parts[slot], changed) for slot, changed in changes.items()})


def started(arm: StudyArm) -> StudyArm:
    """The arm with the values a search starts from; itself when nothing is open."""
    return filled(arm, start_values(dimensions(arm))) if isinstance(arm, Arm) else arm


def start_values(space: Sequence[Dimension]) -> Values:
    """Where a search starts: at the defaults."""
    return {each.name: each.start for each in space}


def opened(arm: Arm) -> Arm:
    """The arm with every value open that is at its default and whose range is declared."""
    made = {}
    for slot, part in _parts(arm).items():
        changes = {
            key: Searched("?") for key, value in part.params().items() if key in part.ranges and _at_default(part, key)
        }
        if changes:
            made[slot] = part.replace(**changes)
    return _changed(arm, made)


def arms_to_search(arms: Sequence[Arm], tuning: Tuning) -> tuple[Arm, ...]:
    """Arms of a study that searches: those that leave something open, or else all with everything opened.

    Where nothing was marked, doing nothing stays an arm as it is as well, so that it can be seen what searching
    brought.

    Raises
    ------
    UsageError
        When there is nothing to search, or a grid has more points than trials are allowed.
    """
    if not any(dimensions(arm) for arm in arms):
        plain = [arm for arm in arms if arm.strategy.does_nothing]
        wider = tuple(dict.fromkeys([*plain, *(opened(arm) for arm in arms)]))
        if not any(dimensions(arm) for arm in wider):
            raise UsageError(
                "--tune has nothing to search: no part of the models and strategies declares a range; "
                "mark values, as in mlp(hidden=32|64), or leave --tune out"
            )
        arms = wider
    for arm in arms:
        size = grid_size(dimensions(arm))
        if tuning.method == "grid" and size > tuning.most_trials:
            raise UsageError(
                f"--tune grid: {arm.id} has a grid of {size} points, more than --trials {tuning.most_trials}; "
                "name fewer values, raise --trials, or take random or bayes"
            )
    return tuple(arms)


def grid_size(space: Sequence[Dimension]) -> int:
    """Points of the grid over all dimensions."""
    return math.prod(len(each.domain.grid()) for each in space)


def grid_points(space: Sequence[Dimension]) -> list[Values]:
    """All points of the grid."""
    names = [each.name for each in space]
    return [dict(zip(names, point, strict=True)) for point in product(*(each.domain.grid() for each in space))]


def _parts(arm: Arm) -> dict[str, Component]:
    return {**arm.strategy.active(), "model": arm.model}


def _changed(arm: Arm, made: dict[str, Component]) -> Arm:
    model = made.pop("model", arm.model)
    assert isinstance(model, Model)
    return replace(arm, strategy=arm.strategy.replace(**made), model=model)


def _at_default(part: Component, key: str) -> bool:
    # A class's attribute is the default of its parameter.
    return bool(getattr(part, key) == getattr(type(part), key, None))
