"""Values that are left open, to be searched, and the ranges they are searched in.

Where a component's text form has a value it may have ``?`` (the range that the component declares), ``1|2|5`` (one of
these) or ``0.1..5`` (anything between). Such a component is a value like any other; it is trained only once a search
has put a number in the place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal, NoReturn

from steelyard.errors import ParseError, UsageError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_INTEGER = re.compile(r"[+-]?\d+\Z")
_KEYWORDS: Mapping[str, bool | None] = {"true": True, "false": False, "none": None}
#: Values of a range on a grid.
GRID = 5


def read_scalar(word: str) -> Any:
    """Value that a bare word stands for: a keyword, a number, or the text itself.

    Examples
    --------
    >>> read_scalar("none"), read_scalar("3"), read_scalar("1e-3"), read_scalar("f1")
    (None, 3, 0.001, 'f1')
    """
    if word.lower() in _KEYWORDS:
        return _KEYWORDS[word.lower()]
    if _INTEGER.match(word):
        return int(word)
    return float(word) if _NUMBER.match(word) else word


@dataclass(frozen=True)
class Choices:
    """A few values, one of which is taken.

    Examples
    --------
    >>> Choices((32, 64)).at(0.7), Choices((32, 64)).grid()
    (64, (32, 64))
    """

    values: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """Value at a share of the way, 0 to below 1."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    def grid(self) -> tuple[Any, ...]:
        """All values."""
        return self.values

    def __contains__(self, value: Any) -> bool:
        return value in self.values


@dataclass(frozen=True)
class Range:
    """All numbers between two, both included.

    Parameters
    ----------
    low, high : float
    scale : {"linear", "log", "near_one"}
        How they are spread; "near_one" is logarithmic in the distance from 1, for values such as 0.999.
    whole : bool
        Whether only whole numbers count.

    Examples
    --------
    >>> Range(0.01, 100, "log").grid(), Range(0.9, 0.9999, "near_one").at(0.5)
    ((0.01, 0.1, 1.0, 10.0, 100.0), 0.99684)
    """

    low: float
    high: float
    scale: Literal["linear", "log", "near_one"] = "linear"
    whole: bool = False

    def at(self, share: float) -> float | int:
        """Value at a share of the way, 0 to 1, with three digits: more would pretend to a precision no search has."""
        if self.scale == "near_one":
            gap = math.exp((1 - share) * math.log(1 - self.low) + share * math.log(1 - self.high))
            return self.tidy(1 - gap)
        if self.scale == "log":
            return self.tidy(math.exp((1 - share) * math.log(self.low) + share * math.log(self.high)))
        return self.tidy(self.low + share * (self.high - self.low))

    def tidy(self, value: float) -> float | int:
        """The value as it is used and written: whole, or with three significant digits, inside the range."""
        if self.whole:
            return int(min(max(round(value), math.ceil(self.low)), math.floor(self.high)))
        rounded = round(1 - float(f"{1 - value:.3g}"), 15) if self.scale == "near_one" else float(f"{value:.3g}")
        return min(max(rounded, float(self.low)), float(self.high))

    def grid(self) -> tuple[float | int, ...]:
        """Five values, evenly spread on the scale, or all whole numbers where there are no more."""
        if self.whole and self.high - self.low < GRID:
            return tuple(range(math.ceil(self.low), math.floor(self.high) + 1))
        return tuple(dict.fromkeys(self.at(place / (GRID - 1)) for place in range(GRID)))

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


Domain = Choices | Range


@dataclass(frozen=True)
class Searched:
    """A value left open: ``?``, ``1|2|5`` or ``0.1..5``.

    Examples
    --------
    >>> Searched("1|2|5").domain(None), Searched("0.5..3").domain(Range(0, 5))
    (Choices(values=(1, 2, 5)), Range(low=0.5, high=3, scale='linear', whole=False))
    """

    text: str

    def __post_init__(self) -> None:
        if not self.reads(self.text):
            raise ParseError(f"{self.text!r} is no search: write ?, values as in 1|2|5, or a range as in 0.1..5")
        if "|" in self.text and not all(part.strip() for part in self.text.split("|")):
            raise ParseError(f"{self.text!r}: a value is missing beside '|'; write 1|2|5")

    @staticmethod
    def reads(word: str) -> bool:
        """Whether a word leaves a value open."""
        return word == "?" or "|" in word or _ends(word) is not None

    def domain(self, declared: Domain | None) -> Domain | None:
        """What is searched, where a component declares that range for ``?``; None where it declares none.

        Raises
        ------
        UsageError
            When the lower end is not below the upper one.
        """
        if self.text == "?":
            return declared
        if "|" in self.text:
            return Choices(tuple(dict.fromkeys(read_scalar(part.strip()) for part in self.text.split("|"))))
        ends = _ends(self.text)
        assert ends is not None
        low, high = ends
        if not low < high:
            raise UsageError(f"{self.text}: the lower end of a range must be below the upper one")
        whole = isinstance(low, int) and isinstance(high, int)
        if not isinstance(declared, Range):
            return Range(low, high, whole=whole and not isinstance(declared, Choices))
        scale = declared.scale
        if (scale == "log" and low <= 0) or (scale == "near_one" and high >= 1):
            scale = "linear"
        return replace(declared, low=low, high=high, scale=scale)

    def __str__(self) -> str:
        return self.text

    def _refuse(self, *_: Any) -> NoReturn:
        raise UsageError(f"{self.text} leaves a value open: write one, or let 'steelyard study --tune' search it")

    # Whoever computes with an open value has not had it searched.
    __float__ = __int__ = __index__ = __neg__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __pow__ = __rpow__ = _refuse


def _ends(word: str) -> tuple[float, float] | None:
    first, _, last = word.partition("..")
    low, high = read_scalar(first), read_scalar(last)
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    return (low, high) if numbers else None


#: Where a value stands in a component: its parameter, and the key where that is a mapping such as ``boost``.
Place = tuple[str, str | None]


def open_places(part: Any) -> dict[Place, Searched]:
    """Open values of a component by their place.

    Parameters
    ----------
    part : Component
    """
    found: dict[Place, Searched] = {}
    for key, value in part.params().items():
        if isinstance(value, Searched):
            found[key, None] = value
        elif isinstance(value, Mapping):
            found |= {(key, str(name)): item for name, item in value.items() if isinstance(item, Searched)}
    return found


def put(part: Any, values: Mapping[Place, Any]) -> Any:
    """Component with values in some places."""
    changes: dict[str, Any] = {}
    for (key, name), value in values.items():
        if name is None:
            changes[key] = value
        else:
            changes.setdefault(key, dict(getattr(part, key)))[name] = value
    return part.replace(**changes)


def domain_of(part: Any, place: Place, value: Searched) -> Domain:
    """Where an open value of a component is searched.

    Raises
    ------
    UsageError
        When it is ``?`` and the component declares no range for it.
    """
    key, name = place
    domain = value.domain(part.ranges.get(key) if name is None else None)
    if domain is None:
        known = f"; it declares one for {', '.join(part.ranges)}" if part.ranges else ""
        where = f"{key}=?" if name is None else f"{key} of {name}"
        raise UsageError(f"{part.name} declares no range for {where}{known}; write values, as in {name or key}=A|B")
    return domain


def start_of(part: Any, place: Place, value: Searched) -> Any:
    """Where the search of an open value starts: its default (1 for a weight), or else the first value of its grid."""
    domain = domain_of(part, place, value)
    key, name = place
    usual = 1 if name is not None else next(field.default for field in fields(part) if field.name == key)
    return usual if usual in domain else domain.grid()[0]


def declared(**ranges: Domain) -> Mapping[str, Domain]:
    """Ranges of a component's parameters, which cannot be changed afterwards.

    Examples
    --------
    >>> declared(gamma=Range(0, 5))["gamma"].high
    5
    """
    return MappingProxyType(ranges)
