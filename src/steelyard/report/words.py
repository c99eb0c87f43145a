"""How the report says things: numbers and names as text."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

#: What stands for a number that is not defined, as in tables of official statistics.
UNDEFINED = "–"
_MINUS = "\u2212"
_AFTER_JOINER = re.compile(r"(?<=[_/])(?=\S)")
_RIGHT_TO_LEFT = ("R", "AL", "AN", "RLE", "RLO", "RLI")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def finite(value: Any) -> float | None:
    """Number as a float; what is missing, not a number or infinite gives None.

    Examples
    --------
    >>> finite(2), finite(None), finite(float("nan"))
    (2.0, None, None)
    """
    if value is None or isinstance(value, (str, bytes)):
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def pair(value: Any) -> tuple[float, float] | None:
    """Both ends of an interval, or None where one of them is undefined."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    low, high = finite(value[0]), finite(value[1])
    return None if low is None or high is None else (low, high)


def number(value: Any) -> str:
    """Score as text: three decimals, fewer where the number is large.

    Examples
    --------
    >>> number(0.84249), number(-1234.56), number(None)
    ('0.842', '−1,235', '–')
    """
    known = finite(value)
    if known is None:
        return UNDEFINED
    digits = 3 if abs(known) < 100 else 1 if abs(known) < 1000 else 0
    text = f"{abs(known):,.{digits}f}"
    return text if known >= 0 or not text.strip("0.,") else _MINUS + text


def change(value: Any) -> str:
    """Difference as text, with its sign; what rounds to nothing has none.

    Examples
    --------
    >>> change(0.0456), change(-0.012), change(-0.00001)
    ('+0.046', '−0.012', '0.000')
    """
    text = number(value)
    return text if text == UNDEFINED or text.startswith(_MINUS) or not text.strip("0.,") else f"+{text}"


def interval(ends: Any) -> str:
    """Interval as text.

    Examples
    --------
    >>> interval([0.79, 0.88]), interval(None)
    ('0.790 to 0.880', '')
    """
    known = pair(ends)
    return f"{number(known[0])} to {number(known[1])}" if known else ""


def change_interval(ends: Any) -> str:
    """Interval of a difference as text, with signs."""
    known = pair(ends)
    return f"{change(known[0])} to {change(known[1])}" if known else ""


def whole(value: Any) -> str:
    """Count as text, with thousands separated; soft counts keep one decimal.

    Examples
    --------
    >>> whole(3481), whole(2.5)
    ('3,481', '2.5')
    """
    known = finite(value)
    if known is None:
        return UNDEFINED
    return f"{known:,.0f}" if known == round(known) else f"{known:,.1f}"


def percent(share: Any) -> str:
    r"""Share as a percentage that never rounds to 0 or 100 what is not.

    Examples
    --------
    >>> [percent(share).replace("\u00a0", " ") for share in (0.9228, 0.0005, 0.99999, 1)]
    ['92.3 %', '<0.1 %', '>99.9 %', '100 %']
    """
    known = finite(share)
    if known is None:
        return UNDEFINED
    if known in (0, 1):
        return f"{known:.0%}".replace("%", "\u00a0%")
    text = "<0.1" if known < 0.001 else ">99.9" if known > 0.999 else f"{known * 100:.1f}"
    return f"{text}\u00a0%"


def seconds(value: Any) -> str:
    """Time in seconds with about three digits.

    Examples
    --------
    >>> seconds(0.4213), seconds(12.34), seconds(1204.2)
    ('0.42', '12.3', '1,204')
    """
    known = finite(value)
    if known is None:
        return UNDEFINED
    return f"{known:.2f}" if known < 10 else f"{known:.1f}" if known < 100 else f"{known:,.0f}"


def ratio(value: Any) -> str:
    """Imbalance ratio as text."""
    known = finite(value)
    if known is None:
        return UNDEFINED
    return f"{known:,.1f}" if known < 20 and known != round(known) else f"{known:,.0f}"


def clean(text: Any) -> str:
    r"""Text on one line, with what no document may hold replaced.

    Examples
    --------
    >>> clean("a\tb"), clean("a\x00") == "a\ufffd"
    ('a b', True)
    """
    return _UNPRINTABLE.sub("\ufffd", " ".join(str(text).split()))


def columns(text: str) -> int:
    """Room a text takes, in narrow characters: wide (East Asian, emoji) characters take two."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def shorten(text: Any, room: int) -> str:
    """Text cut to a room in narrow characters, with an ellipsis where something is missing.

    Examples
    --------
    >>> shorten("compensated_hypothyroid", 12), shorten("negative", 12)
    ('compensated…', 'negative')
    """
    whole_text = clean(text)
    if columns(whole_text) <= room:
        return whole_text
    kept = ""
    for char in whole_text:
        if columns(kept + char) > room - 1:
            break
        kept += char
    return kept.rstrip() + "…"


def quoted(name: Any, room: int = 60) -> str:
    """Name in quotation marks for a sentence; right-to-left names are isolated from the text around them.

    Examples
    --------
    >>> quoted("negative")
    '“negative”'
    """
    return f"“{isolated(shorten(name, room))}”"


def isolated(text: str) -> str:
    """Text that does not turn the direction of what stands next to it.

    Examples
    --------
    >>> isolated("abc"), isolated("\u05d0\u05d1") == "\u2068\u05d0\u05d1\u2069"
    ('abc', True)
    """
    turns = any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text)
    return f"\u2068{text}\u2069" if turns else text


def listing(items: Iterable[str], limit: int = 8) -> str:
    """Enumeration in words, with the number of those left out.

    Examples
    --------
    >>> listing(["a", "b", "c"]), listing("abcd", limit=2), listing("a")
    ('a, b and c', 'a, b and 2 more', 'a')
    """
    known = list(items)
    if len(known) > limit:
        return f"{', '.join(known[:limit])} and {len(known) - limit} more"
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}" if known else "none"


def heading(text: str) -> str:
    """Text with its first letter raised and the others left as they are.

    Examples
    --------
    >>> heading("macro F1")
    'Macro F1'
    """
    return text[:1].upper() + text[1:]


def significant(value: Any) -> str:
    """Positive number with about three digits.

    Examples
    --------
    >>> significant(0.0576), significant(16.4), significant(1740.5)
    ('0.0576', '16.4', '1,740')
    """
    known = finite(value)
    if known is None:
        return UNDEFINED
    return f"{known:,.0f}" if abs(known) >= 100 else f"{known:.3g}"


def breakable(text: Any) -> Any:
    """Escaped text with places where a browser may break a long identifier.

    Examples
    --------
    >>> str(breakable("primary_<b>"))
    'primary_<wbr>&lt;b&gt;'
    """
    from markupsafe import Markup, escape

    # Splitting before escaping keeps entities such as &lt; in one piece.
    parts = (escape(part) for part in _AFTER_JOINER.split(clean(text)))
    return Markup("<wbr>").join(parts)


def several(count: int, one: str, many: str | None = None) -> str:
    """Count with its noun.

    Examples
    --------
    >>> several(1, "class", "classes"), several(3481, "row")
    ('1 class', '3,481 rows')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
