"""Small line charts in a grid, written as SVG by hand: the same axes, side by side, to be compared at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

from steelyard.report import words
from steelyard.report.charts.svg import COLOURS, themed_svg

if TYPE_CHECKING:
    from markupsafe import Markup

Point = tuple[float, float]
_DASHES = {"solid": "", "dashed": "5 4", "dotted": "1.5 4"}
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 40, 10, 46, 46, 18


@dataclass(frozen=True)
class Line:
    """A line through points: a colour's name, solid, dashed or dotted, with a dot at each point or without.

    With the style "none" there are points alone, filled or as rings.
    """

    points: Sequence[Point]
    colour: str
    style: Literal["solid", "dashed", "dotted", "none"] = "solid"
    dots: bool = False
    rings: bool = False
    whiskers: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Panel:
    """One chart: its heading, its axes, and its lines, the last drawn on top."""

    heading: str
    x_title: str
    y_title: str
    lines: Sequence[Line]
    x_range: Point = (0.0, 1.0)
    y_range: Point = (0.0, 1.0)
    x_ticks: Sequence[tuple[float, str]] = ((0, "0"), (0.5, "0.5"), (1, "1"))
    y_ticks: Sequence[tuple[float, str]] = ((0, "0"), (0.5, "0.5"), (1, "1"))


@dataclass(frozen=True)
class _Size:
    name: str
    width: int
    columns: int
    height: int
    font: int


def panels_chart(
    panels: Sequence[Panel], key: str, title: str, description: str, columns: tuple[int, int] = (3, 1)
) -> Markup:
    """Wide and narrow drawing of panels in a grid.

    Parameters
    ----------
    panels : sequence of Panel
    key, title, description : str
        As for :func:`~steelyard.report.charts.svg.themed_svg`.
    columns : (int, int)
        Panels side by side in the wide and in the narrow drawing.
    """
    from markupsafe import Markup

    wide = _Size("wide", 860, min(columns[0], max(len(panels), 2)), 300 if columns[0] < 3 else 270, 13)
    narrow = _Size("narrow", 360, columns[1], 240 if columns[1] == 1 else 210, 12)
    drawings = [themed_svg(_drawn(panels, size), f"{key}-{size.name}", title, description) for size in (wide, narrow)]
    return Markup("\n").join(drawings)


def _drawn(panels: Sequence[Panel], size: _Size) -> str:
    width = (size.width - _GAP * (size.columns - 1)) / size.columns
    rows = -(-len(panels) // size.columns)
    parts = [
        _panel(panel, (place % size.columns) * (width + _GAP), (place // size.columns) * size.height, width, size)
        for place, panel in enumerate(panels)
    ]
    height = rows * size.height
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size.width} {height}">{"".join(parts)}</svg>'


def _panel(panel: Panel, left: float, top: float, width: float, size: _Size) -> str:
    x0, x1 = left + _LEFT, left + width - _RIGHT
    y0, y1 = top + size.height - _BOTTOM, top + _TOP

    def place(x: float, y: float) -> Point:
        across = (x - panel.x_range[0]) / (panel.x_range[1] - panel.x_range[0])
        up = (y - panel.y_range[0]) / (panel.y_range[1] - panel.y_range[0])
        return x0 + min(max(across, 0.0), 1.0) * (x1 - x0), y0 + min(max(up, 0.0), 1.0) * (y1 - y0)

    small = size.font - 1
    heading = words.isolated(words.shorten(panel.heading, int(width / 7.6)))
    parts = [
        _text(left, top + 15, heading, "ink", size.font, weight="600"),
        _text(left, top + 34, panel.y_title, "muted", small),
    ]
    for value, label in panel.y_ticks:
        _, y = place(panel.x_range[0], value)
        parts.append(_rule(x0, y, x1, y, "line", 1))
        parts.append(_text(x0 - 6, y + 4, label, "muted", small, anchor="end"))
    for value, label in panel.x_ticks:
        x, _ = place(value, panel.y_range[0])
        parts.append(_rule(x, y0, x, y0 + 4, "muted", 1))
        parts.append(_text(x, y0 + 17, label, "muted", small, anchor="middle"))
    parts.append(_rule(x0, y0, x1, y0, "muted", 1))
    parts.append(_text((x0 + x1) / 2, y0 + 36, panel.x_title, "muted", small, anchor="middle"))
    for line in panel.lines:
        parts += _line(line, place)
    return "".join(parts)


def _line(line: Line, place: object) -> list[str]:
    assert callable(place)
    colour = COLOURS[line.colour]
    points = [place(*point) for point in line.points]
    pattern = _DASHES.get(line.style)
    dash = f' stroke-dasharray="{pattern}"' if pattern else ""
    width = 1.4 if line.style == "dotted" else 2
    parts = []
    for x, low, high in line.whiskers:
        (across, bottom), (_, top) = place(x, low), place(x, high)
        parts.append(_rule(across, bottom, across, top, line.colour, 1.2))
    if len(points) > 1 and line.style != "none":
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linejoin="round"{dash}/>'
        )
    if line.rings:
        ring = f'fill="{COLOURS["surface"]}" stroke="{colour}" stroke-width="1.5"'
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" {ring}/>' for x, y in points]
    elif line.dots or len(points) == 1:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    return parts


def _rule(x0: float, y0: float, x1: float, y1: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{COLOURS[colour]}" '
        f'stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, colour: str, size: int, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}px" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{COLOURS[colour]}">{escape(text)}</text>'
    )


def ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Round values within a range, and their labels.

    Examples
    --------
    >>> ticks(0, 115)
    [(0.0, '0'), (50.0, '50'), (100.0, '100')]
    >>> [label for _, label in ticks(0.52, 0.74)]
    ['0.6', '0.7']
    """
    span = high - low
    power = 10.0**-12
    while True:
        for digit in (1, 2, 5):
            step = digit * power
            if span / step <= most - 1:
                first = -int(-low // step) if low % step else round(low / step)
                values = [k * step for k in range(int(first), int(high / step + 1e-9) + 1)]
                return [(round(value, 12), f"{round(value, 12):,.10g}") for value in values]
        power *= 10
