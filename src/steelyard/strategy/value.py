"""The :class:`Strategy` value: six slots, each with a neutral default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Self

from steelyard import registry
from steelyard.component import Call, Component, parse_calls
from steelyard.errors import ArtifactError, ParseError, UnknownNameError, UsageError
from steelyard.notebook import html_table

#: Slot -> the component that does nothing there.
SLOTS: Mapping[str, str] = MappingProxyType(
    {
        "weighting": "uniform",
        "loss": "cross_entropy",
        "sampling": "shuffled",
        "labelling": "as_given",
        "adjustment": "unchanged",
        "decision": "argmax",
    }
)

#: Names for compositions that the literature knows as one thing; doing nothing is the empty one.
COMPOSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "do_nothing": "",
        "balanced_softmax": "logit_adjusted(tau=1)",
        "class_balanced_focal": "effective_number(beta=0.999) + focal(gamma=2)",
    }
)


@cache
def _neutral(slot: str) -> Component:
    return registry.parse(slot, SLOTS[slot])


def _slot(slot: str) -> Any:
    return field(default_factory=partial(_neutral, slot))


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What is done about imbalance, in six slots; with every slot neutral it is *do nothing*.

    Parameters
    ----------
    weighting, loss, sampling, labelling, adjustment, decision : component or str
        A component of that slot, or its text form. Left out, the slot is neutral.

    Raises
    ------
    UnknownNameError
        When a text names no component of that slot.
    UsageError
        When a component of another slot is given.

    Examples
    --------
    >>> s = Strategy.parse("effective_number(beta=0.999) + focal(gamma=2) + threshold(metric=f1)")
    >>> str(s)
    'effective_number(beta=0.999) + focal(gamma=2) + threshold(metric=f1)'
    >>> s == Strategy(weighting="effective_number", loss="focal", decision="threshold(metric=f1)")
    True
    >>> str(Strategy())
    'do_nothing'
    """

    weighting: Component = _slot("weighting")
    loss: Component = _slot("loss")
    sampling: Component = _slot("sampling")
    labelling: Component = _slot("labelling")
    adjustment: Component = _slot("adjustment")
    decision: Component = _slot("decision")

    def __post_init__(self) -> None:
        for slot in SLOTS:
            value = getattr(self, slot)
            if isinstance(value, str):
                object.__setattr__(self, slot, registry.parse(slot, value))
            elif not isinstance(value, Component) or value.kind != slot:
                raise UsageError(f"the {slot} slot takes a {slot} component or its text, not {value!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Strategy from its text form: components joined by ``+``, in any order.

        Raises
        ------
        ParseError
            When the text cannot be read, or names two components for one slot.
        UnknownNameError
            When a name belongs to no slot; the message lists the known ones.

        Examples
        --------
        >>> Strategy.parse("inverse + sqrt")
        Traceback (most recent call last):
        ...
        steelyard.errors.ParseError: 'inverse + sqrt': both inverse and sqrt are a weighting; take one
        """
        slots: dict[str, Component] = {}
        for call in _expanded(text):
            slot = _slot_of(call.name)
            if slot in slots:
                raise ParseError(f"{text.strip()!r}: both {slots[slot].name} and {call.name} are a {slot}; take one")
            slots[slot] = registry.make(slot, call)
        return cls(**slots)

    def parts(self) -> dict[str, Component]:
        """Component of each slot, neutral ones included."""
        return {slot: getattr(self, slot) for slot in SLOTS}

    def active(self) -> dict[str, Component]:
        """Component of each slot that is not neutral."""
        return {slot: part for slot, part in self.parts().items() if part != _neutral(slot)}

    @property
    def does_nothing(self) -> bool:
        """Whether every slot is neutral."""
        return not self.active()

    def __str__(self) -> str:
        return " + ".join(str(part) for part in self.active().values()) or "do_nothing"

    def _repr_html_(self) -> str:
        active = self.active()
        rows = [[slot, str(part), "" if slot in active else "neutral"] for slot, part in self.parts().items()]
        return html_table(f"strategy: {self}", ["slot", "component", ""], rows)

    def to_dict(self) -> dict[str, Any]:
        """Dict form for JSON: the versioned component of each slot that is not neutral."""
        return {slot: part.to_dict() for slot, part in self.active().items()}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """Strategy from its dict form.

        Raises
        ------
        ArtifactError
            When a slot or a component's version is not known to this release.
        """
        unknown = set(saved) - {f.name for f in fields(cls)}
        if unknown:
            raise ArtifactError(f"this release knows no slot called {', '.join(sorted(unknown))}")
        return cls(**{slot: registry.from_dict(slot, part) for slot, part in saved.items()})

    def replace(self, **changes: Component | str) -> Self:
        """Same strategy with some slots changed."""
        return replace(self, **changes)  # type: ignore[arg-type]  # texts are parsed in __post_init__


def _expanded(text: str) -> list[Call]:
    calls = []
    for call in parse_calls(text):
        if call.name not in COMPOSITIONS:
            calls.append(call)
            continue
        composed = COMPOSITIONS[call.name]
        if call.args or call.kwargs:
            raise ParseError(f"{text.strip()!r}: {call.name} stands for {composed!r}; write that to set parameters")
        calls += parse_calls(composed) if composed else []
    return calls


def _slot_of(name: str) -> str:
    for slot in SLOTS:
        if name in registry.components(slot):
            return slot
    known = [name for slot in SLOTS for name in registry.components(slot)]
    raise UnknownNameError("strategy", name, [*COMPOSITIONS, *known])
