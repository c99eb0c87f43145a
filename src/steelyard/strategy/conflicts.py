"""Combinations that correct for imbalance twice: allowed, and said."""

from __future__ import annotations

from steelyard.component import Component
from steelyard.strategy.value import Strategy


def conflicts(strategy: Strategy) -> tuple[str, ...]:
    """Sentences on the parts of a strategy that correct for the same thing twice.

    Examples
    --------
    >>> conflicts(Strategy.parse("inverse + balanced"))
    ('corrects twice: the weighting inverse and the sampling balanced both raise the rare classes',)
    >>> conflicts(Strategy.parse("inverse + mixup + threshold"))
    ()
    """
    active = strategy.active()
    raising: list[tuple[str, Component]] = [
        (slot, active[slot])
        for slot in ("weighting", "sampling")
        if slot in active and getattr(active[slot], "raises_rare", True)
    ]
    loss = active.get("loss")
    if loss is not None and getattr(loss, "uses_priors", False):
        raising.append(("loss", loss))
    adjustment = active.get("adjustment")
    if adjustment is not None and getattr(adjustment, "raises_rare", False):
        raising.append(("adjustment", adjustment))
    return tuple(
        f"corrects twice: the {slot} {part.name} and the {other_slot} {other.name} both raise the rare classes"
        for position, (slot, part) in enumerate(raising)
        for other_slot, other in raising[position + 1 :]
    )
