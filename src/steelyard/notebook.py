"""How values show themselves in a notebook: small tables that take the notebook's own colours.

Everything that comes from the data is escaped; there is no script and no style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: More lines than this are not read; the first and the last are shown.
MOST_ROWS = 20
_CELL = "padding:.15em .7em;text-align:{align};vertical-align:top;white-space:nowrap"
_BAR = '<div style="background:currentColor;opacity:.45;height:.7em;width:{width:.1f}em;margin-top:.3em"></div>'


class Bar(float):
    """A share from 0 to 1, shown as a bar."""


Cell = str | int | float | Bar


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = "") -> str:
    """Table as HTML, long ones shortened in the middle.

    Parameters
    ----------
    title, note : str
        Lines above and below.
    header : sequence of str
    rows : sequence of sequences
        Texts stand left, numbers right, a :class:`Bar` is drawn.

    Examples
    --------
    >>> "&lt;b&gt;" in html_table("", ["class"], [["<b>"]])
    True
    """
    numeric = [bool(rows) and isinstance(rows[0][place], (int, float)) for place in range(len(header))]
    numeric = [flag and not isinstance(rows[0][place], Bar) for place, flag in enumerate(numeric)]
    half = MOST_ROWS // 2
    shown: list[Sequence[Cell] | None] = list(rows)
    if len(rows) > MOST_ROWS + 1:
        shown = [*rows[:half], None, *rows[-half:]]
    heads = "".join(_cell("th", escape(text), flag) for text, flag in zip(header, numeric, strict=True))
    lines = [
        f'<tr><td colspan="{len(header)}" style="opacity:.7">&hellip; {len(rows) - MOST_ROWS} more &hellip;</td></tr>'
        if row is None
        else "<tr>" + "".join(_cell("td", _text(cell), flag) for cell, flag in zip(row, numeric, strict=True)) + "</tr>"
        for row in shown
    ]
    caption = f'<caption style="text-align:left;font-weight:600">{escape(title)}</caption>' if title else ""
    below = f'<div style="opacity:.75">{escape(note)}</div>' if note else ""
    return (
        f'<div><table style="border-collapse:collapse">{caption}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>{below}</div>"
    )


def html_list(title: str, items: Iterable[str]) -> str:
    """Titled list as HTML."""
    points = "".join(f"<li>{escape(' '.join(item.split()))}</li>" for item in items)
    return f'<div><div style="font-weight:600">{escape(title)}</div><ul style="margin:.2em 0">{points}</ul></div>'


def _cell(tag: str, inside: str, right: bool) -> str:
    return f'<{tag} style="{_CELL.format(align="right" if right else "left")}">{inside}</{tag}>'


def _text(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return _BAR.format(width=max(0.1, 12 * min(max(float(cell), 0.0), 1.0)))
    if isinstance(cell, float):
        return f"{cell:,.4g}" if abs(cell) < 10000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else escape(" ".join(cell.split())[:120])
