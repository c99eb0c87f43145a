"""Names to components, by kind.

One component is one file in the folder of its kind, found by looking there: adding a loss is adding
``losses/<name>.py``. Nothing else has to be told, and nothing here imports a component until its kind is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from steelyard.component import Call, Component, build, from_saved, parse_calls
from steelyard.errors import ParseError, UnknownNameError, UsageError

#: Kind -> the package whose modules hold its components.
PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "weighting": "steelyard.weighting",
        "loss": "steelyard.losses",
        "sampling": "steelyard.samplers",
        "labelling": "steelyard.labelling",
        "adjustment": "steelyard.adjustments",
        "decision": "steelyard.decisions",
        "model": "steelyard.models",
        "metric": "steelyard.metrics",
    }
)

_added: dict[str, dict[str, type[Component]]] = {}


@cache
def _discovered(kind: str) -> Mapping[str, type[Component]]:
    package = importlib.import_module(PACKAGES[kind])
    found: dict[str, type[Component]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Component)
                and "name" in vars(value)
                and value.__module__ == module.__name__
            ):
                found[value.name] = value
    return MappingProxyType(dict(sorted(found.items())))


def components(kind: str) -> Mapping[str, type[Component]]:
    """All components of a kind by name, in alphabetical order.

    Examples
    --------
    >>> "inverse" in components("weighting")
    True
    """
    if kind not in PACKAGES:
        raise UnknownNameError("kind of component", kind, PACKAGES)
    return {**_discovered(kind), **_added.get(kind, {})}


def register(cls: type[Component]) -> type[Component]:
    """Add a component from outside the package; usable as a class decorator.

    Raises
    ------
    UsageError
        When its kind has a component of that name already.
    """
    if cls.name in components(cls.kind):
        raise UsageError(f"there is already a {cls.kind} called {cls.name!r}")
    _added.setdefault(cls.kind, {})[cls.name] = cls
    return cls


def get(kind: str, name: str) -> type[Component]:
    """Class of the component of that kind and name; an unknown name lists the known ones."""
    known = components(kind)
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]


def parse(kind: str, text: str) -> Component:
    """Component of a kind from its text form.

    Examples
    --------
    >>> str(parse("weighting", "effective_number(beta=0.99)"))
    'effective_number(beta=0.99)'
    """
    calls = parse_calls(text)
    if len(calls) != 1:
        raise ParseError(f"{text!r} names {len(calls)} components where one {kind} was expected")
    return make(kind, calls[0])


def make(kind: str, call: Call) -> Component:
    """Component of a kind from a parsed call."""
    return build(get(kind, call.name), call.args, call.kwargs, call.text)


def from_dict(kind: str, saved: Mapping[str, Any]) -> Component:
    """Component of a kind from its dict form, as stored in saved models."""
    return from_saved(components(kind), kind, saved)
