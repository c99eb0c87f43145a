"""What every interchangeable part is: a small frozen value with a text form.

A *component* fills a slot of a strategy (a weighting, a loss, a sampling, an adjustment, a decision) or is a
model or a metric. It holds parameters only; what depends on the data is bound to it later and visibly.
Its text form (``focal(gamma=2)``), its dict form and its Python value say the same and turn into each other.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

from steelyard.errors import ArtifactError, ParseError, UsageError
from steelyard.searched import Domain, Searched, domain_of, open_places, put, read_scalar, start_of

_BARE = re.compile(r"[A-Za-z_][\w.\-/]*\Z")
_NAME = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS: dict[str, bool | None] = {"true": True, "false": False, "none": None}


class FrozenMap(Mapping[str, Any]):
    """An immutable mapping with string keys, so that a component that holds one can be hashed.

    Examples
    --------
    >>> FrozenMap({"funny": 2.0})["funny"]
    2.0
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[Any, Any]) -> None:
        self._items = {str(key): value for key, value in items.items()}

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


class Component:
    """Base of all components. Subclasses are frozen dataclasses made by :func:`component`.

    Class attributes
    ----------------
    kind : str
        The slot or family it belongs to ("weighting", "loss", "model", ...).
    name : str
        Its name in text forms and registries, in the field's words.
    version : int
        Raised when a saved component of this name would no longer mean the same.
    shown : tuple of str
        Parameters that the text form always shows; others appear when they differ from their default.
    requires : (str, str), optional
        Module it cannot work without, and the extra that installs it.
    ranges : mapping from parameter to Range or Choices
        Where a search looks for a value that is left open, as in ``focal(gamma=?)``.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int] = 1
    shown: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[tuple[str, str] | None] = None
    ranges: ClassVar[Mapping[str, Domain]] = {}

    def params(self) -> dict[str, Any]:
        """Parameters by name, in the order of the text form."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
        return {field.name: getattr(self, field.name) for field in fields}

    def _text_params(self) -> dict[str, Any]:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        shown = {}
        for field in fields:
            value = getattr(self, field.name)
            unchanged = value == field.default
            if unchanged and (value is None or field.name not in self.shown):
                continue
            shown[field.name] = value
        return shown

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={format_value(value)}" for key, value in self._text_params().items())
        return f"{self.name}({inside})" if inside else self.name

    def to_dict(self) -> dict[str, Any]:
        """Dict form for JSON: the versioned name and the parameters that differ from their defaults."""
        return {
            "name": f"{self.name}.v{self.version}",
            "params": {key: _plain(value) for key, value in self._text_params().items()},
        }

    def replace(self: C, **changes: Any) -> C:
        """Same component with some parameters changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.params() == other.params()

    def __hash__(self) -> int:
        return hash((type(self).__qualname__, frozenset(self.params().items())))


C = TypeVar("C", bound=Component)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(dataclasses.field,))
def component(cls: type[C]) -> type[C]:
    """Make a class a component: a frozen dataclass whose equality is that of its parameters.

    Examples
    --------
    >>> @component
    ... class Scaled(Component):
    ...     name = "scaled"
    ...     factor: float = 2.0
    >>> str(Scaled()), str(Scaled(3.0)), Scaled(2) == Scaled(2.0)
    ('scaled', 'scaled(factor=3)', True)
    """
    _check_open_values(cls)
    made: type[C] = dataclasses.dataclass(frozen=True, eq=False)(cls)
    return made


def _check_open_values(cls: type[C]) -> None:
    """Let the class's own checks see each value that a search may put in the place of an open one."""
    own = getattr(cls, "__post_init__", None)

    def checked(self: C) -> None:
        opened = open_places(self)
        if not opened:
            if own is not None:
                own(self)
            return
        starts = {place: start_of(self, place, value) for place, value in opened.items()}
        for place, value in opened.items():
            for tried in domain_of(self, place, value).grid():
                put(self, {**starts, place: tried})
        for key in {key for key, name in opened if name is not None}:
            # As the checks leave it: hashable, and equal ones with one text form.
            object.__setattr__(self, key, FrozenMap(dict(sorted(getattr(self, key).items()))))

    cls.__post_init__ = checked  # type: ignore[attr-defined]


def build(cls: type[C], args: list[Any], kwargs: Mapping[str, Any], text: str) -> C:
    """Component of class ``cls`` from parsed arguments; a wrong parameter is named, with the known ones."""
    fields = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    positional = [field.name for field in dataclasses.fields(cls) if not field.kw_only]  # type: ignore[arg-type]
    if len(args) > len(positional):
        raise ParseError(
            f"{text!r}: {cls.name} takes at most {len(positional)} parameters without a name, {len(args)} given"
        )
    given = dict(zip(positional, args, strict=False))
    for key, value in kwargs.items():
        if key not in fields:
            raise ParseError(f"{text!r}: {cls.name} has no parameter {key!r}; it takes {', '.join(fields) or 'none'}")
        if key in given:
            raise ParseError(f"{text!r}: parameter {key!r} is given twice")
        given[key] = value
    try:
        return cls(**given)
    except TypeError as error:
        raise ParseError(f"{text!r}: {error}") from None


def from_saved(known: Mapping[str, type[Component]], kind: str, saved: Mapping[str, Any]) -> Component:
    """Component from its dict form; a newer version than this release knows is an error."""
    name, _, version = str(saved.get("name", "")).rpartition(".v")
    if name not in known or not version.isdigit() or int(version) != known[name].version:
        raise ArtifactError(
            f"this release cannot read the {kind} {saved.get('name')!r}; it knows "
            + ", ".join(f"{key}.v{cls.version}" for key, cls in known.items())
        )
    params = {key: _opened(value) for key, value in dict(saved.get("params", {})).items()}
    return build(known[name], [], params, str(saved.get("name")))


def _opened(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if list(value) == ["search"] and isinstance(value["search"], str):
        return Searched(value["search"])
    return {key: _opened(item) for key, item in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.to_dict()
    if isinstance(value, Searched):
        return {"search": value.text}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def format_value(value: Any) -> str:
    """Text form of one parameter value.

    Examples
    --------
    >>> format_value(2.0), format_value(1e-05), format_value((0.5, 3)), format_value({"a b": 1})
    ('2', '1e-05', '[0.5, 3]', '{"a b": 1}')
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        bare = _BARE.match(value) and value.lower() not in _KEYWORDS
        return value if bare else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        items = (f"{format_value(str(key))}: {format_value(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(format_value(item) for item in value) + "]"
    if isinstance(value, Component | Searched):
        return str(value)
    raise UsageError(f"a {type(value).__name__} has no text form: {value!r}")


@dataclasses.dataclass(frozen=True)
class Call:
    """A parsed ``name(positional, key=value)``, before it is looked up."""

    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    text: str


def parse_calls(text: str) -> list[Call]:
    """Calls joined by ``+``.

    Raises
    ------
    ParseError
        When the text is not of that form; the message points to the place.

    Examples
    --------
    >>> [(call.name, call.kwargs) for call in parse_calls("inverse + focal(gamma=2)")]
    [('inverse', {}), ('focal', {'gamma': 2})]
    """
    parser = _Parser(text)
    calls = [parser.call()]
    while parser.take("+"):
        calls.append(parser.call())
    if parser.rest():
        raise parser.error("'+' or the end")
    return calls


def split_outside(text: str, separator: str) -> list[str]:
    """Parts of a text split at a separator that stands outside brackets and quotes; empty parts are dropped.

    Examples
    --------
    >>> split_outside("linear, mlp(hidden=64, dropout=0.1)", ",")
    ['linear', 'mlp(hidden=64, dropout=0.1)']
    """
    parts, depth, quote, start = [], 0, "", 0
    for position, char in enumerate(text):
        if quote:
            if char == quote and text[position - 1] != "\\":
                quote = ""
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


class _Parser:
    """Recursive descent over the text form; one method per rule."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def rest(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at :]

    def take(self, char: str) -> bool:
        if self.rest().startswith(char):
            self.at += len(char)
            return True
        return False

    def error(self, expected: str) -> ParseError:
        found = repr(self.rest()[:12]) if self.rest() else "the end"
        return ParseError(f"cannot read {self.text!r}: expected {expected} at position {self.at}, found {found}")

    def call(self) -> Call:
        match = _NAME.match(self.rest())
        if not match:
            raise self.error("a component's name")
        start = self.at
        self.at += match.end()
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        if self.take("("):
            self.sequence(")", lambda: self.argument(args, kwargs))
        return Call(match.group(), args, kwargs, self.text[start : self.at].strip())

    def sequence(self, closing: str, item: Callable[[], None]) -> None:
        while not self.take(closing):
            item()
            if not self.take(",") and not self.rest().startswith(closing):
                raise self.error(f"',' or {closing!r}")

    def argument(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        match = re.match(r"([A-Za-z_]\w*)\s*=", self.rest())
        if match:
            if match.group(1) in kwargs:
                raise ParseError(f"cannot read {self.text!r}: parameter {match.group(1)!r} is given twice")
            self.at += match.end()
            kwargs[match.group(1)] = self.value()
        elif kwargs:
            raise self.error("key=value (positional values come first)")
        else:
            args.append(self.value())

    def value(self) -> Any:
        if self.take("["):
            items: list[Any] = []
            self.sequence("]", lambda: items.append(self.value()))
            return tuple(items)
        if self.take("("):
            items = []
            self.sequence(")", lambda: items.append(self.value()))
            return tuple(items)
        if self.take("{"):
            mapping: dict[str, Any] = {}
            self.sequence("}", lambda: self.pair(mapping))
            return FrozenMap(mapping)
        word, quoted = self.word()
        if quoted:
            return word
        return Searched(word) if Searched.reads(word) else read_scalar(word)

    def pair(self, mapping: dict[str, Any]) -> None:
        # Keys are class names: 007 and None stay the strings they are.
        key, _ = self.word()
        if not self.take(":"):
            raise self.error("':'")
        mapping[key] = self.value()

    def word(self) -> tuple[str, bool]:
        rest = self.rest()
        if rest[:1] in ("'", '"'):
            match = re.match(r'"(?:[^"\\]|\\.)*"' if rest[0] == '"' else r"'[^']*'", rest, re.DOTALL)
            if not match:
                raise self.error("a closing quote")
            self.at += match.end()
            body = match.group()
            try:
                return (json.loads(body, strict=False) if rest[0] == '"' else body[1:-1]), True
            except json.JSONDecodeError:
                raise self.error("a quoted string with JSON escapes") from None
        match = re.match(r"[^\s,()\[\]{}=:'\"]+", rest)
        if not match:
            raise self.error("a value")
        self.at += match.end()
        return match.group(), False
