"""What all snippets share: the parts of a strategy as Python expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.component import Component
from steelyard.strategy import Strategy

#: Where the components of a slot are reached from.
_MODULES = {"sampling": "sy.samplers", "adjustment": "sy.adjustments", "decision": "sy.decisions"}


@dataclass(frozen=True)
class Recipe:
    """A strategy, a model's text form ("" for any), and the number of classes."""

    strategy: Strategy
    model: str
    n_classes: int

    def part(self, slot: str) -> Component | None:
        """Component of a slot, None where it is neutral."""
        return self.strategy.active().get(slot)

    @property
    def weighting(self) -> str:
        """Text form of the weighting as a Python string, "" for none."""
        part = self.part("weighting")
        return "" if part is None else literal(str(part))

    @property
    def sampling(self) -> str:
        """Expression of the sampling with a fixed seed, "" for none."""
        part = self.part("sampling")
        return "" if part is None else expression(part, random_state=0)

    @property
    def adjustment(self) -> str:
        """Expression of the adjustment, "" for none."""
        part = self.part("adjustment")
        return "" if part is None else expression(part)

    @property
    def decision(self) -> str:
        """Expression of the decision, with the metric it tunes; "" for the largest probability."""
        part = self.part("decision")
        if part is None:
            return ""
        # Of more than two classes a threshold stands for multipliers; a study knows, outside of it one has to say.
        from steelyard.decisions import Decision
        from steelyard.metrics import get_metric

        assert isinstance(part, Decision)
        return expression(part.for_study(n_classes=self.n_classes, metric=get_metric("macro_f1")))

    def training_weights(self) -> list[str]:
        """Lines that set ``weights`` for an adjustment: what each class weighed in training."""
        weighed = f"sy.class_weights(counts, {self.weighting}).as_array()" if self.weighting else "1.0"
        drawn = f"{self.sampling}.rates(counts.counts)" if self.sampling else ""
        return [f"seen = {weighed} * {drawn}" if drawn else f"seen = {weighed} * np.ones(len(counts))"]


def expression(part: Component, **changes: Any) -> str:
    """Python expression that makes a component.

    Examples
    --------
    >>> from steelyard.samplers import Oversample
    >>> expression(Oversample(0.5), random_state=0)
    'sy.samplers.Oversample(ratio=0.5, random_state=0)'
    """
    defaults = {field.name: field.default for field in dataclasses.fields(part)}  # type: ignore[arg-type]
    given = {key: value for key, value in part.params().items() if value != defaults[key] or key in part.shown}
    return f"{_MODULES[part.kind]}.{type(part).__name__}({arguments({**given, **changes})})"


def arguments(given: Mapping[str, Any]) -> str:
    """Keyword arguments as code."""
    return ", ".join(f"{key}={literal(value)}" for key, value in given.items())


def literal(value: Any) -> str:
    """A parameter's value as code; texts in double quotes.

    Examples
    --------
    >>> literal({"a": 1.0}), literal("macro_f1"), literal((1, 2))
    ('{"a": 1.0}', '"macro_f1"', '(1, 2)')
    """
    if isinstance(value, str):
        inside = repr(value)[1:-1]
        return '"' + inside.replace("\\'", "'").replace('"', '\\"') + '"' if '\\"' not in inside else repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(literal(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return str(value) if isinstance(value, Component) else repr(value)
