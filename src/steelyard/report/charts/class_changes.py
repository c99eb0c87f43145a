"""Change of each class against doing nothing, common classes on top: recall, precision and F-beta side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steelyard.report import words
from steelyard.report.charts.canvas import (
    NARROW,
    Frame,
    altair,
    both,
    chart_data,
    extent,
    fitted,
    row_labels,
    rows_axis,
)
from steelyard.report.charts.svg import COLOURS
from steelyard.report.classes import ClassRow, Figure, abridged, classes_lead

if TYPE_CHECKING:
    from markupsafe import Markup

#: More rows than this are not read; the classes with most and with fewest rows are drawn.
MOST_CLASSES = 60
_NAME = 32
_GAP = {"wide": 38, "narrow": 30}
_MEASURES = {"recall": "recall", "precision": "precision", "f_beta": "F-beta"}
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0)


def class_changes_chart(classes: tuple[ClassRow, ...]) -> Markup | None:
    """Chart of the changes; None where no change in recall is known."""
    known = abridged(tuple(row for row in classes if row.recall.delta is not None), MOST_CLASSES)
    if not known:
        return None
    shown = [key for key in _MEASURES if any(getattr(row, key).delta is not None for row in known)]
    figures = [getattr(row, key) for row in known for key in shown]
    values = [end for figure in figures for end in (figure.delta, *(figure.delta_interval or ())) if end is not None]
    domain = extent([*values, 0.0], least=0.1)

    def draw(frame: Frame) -> tuple[Any, int]:
        panels = _Panels(shown, domain, frame)
        height = len(known) * frame.row
        alt = altair()
        marks = [mark for place, row in enumerate(known) for mark in _marks(place, row, panels)]
        labels = chart_data([_label(place, row, frame) for place, row in enumerate(known)])
        y, shift = rows_axis(len(known)), frame.mark_shift
        x = alt.X(
            "x:Q",
            scale=alt.Scale(domain=[0, frame.plot_width], nice=False, zero=False),
            axis=alt.Axis(labels=False, grid=False, title=None),
        )
        chart = alt.Chart(chart_data(marks))
        colour = alt.Color("colour:N", scale=None)
        layers = [
            *panels.frames(x, height, frame),
            chart.mark_rule(strokeWidth=2, yOffset=shift).encode(
                y=y, x=alt.X("low:Q"), x2=alt.X2("high:Q"), color=colour
            ),
            chart.mark_point(filled=True, size=60, opacity=1, yOffset=shift, strokeWidth=1.6).encode(
                y=y,
                x=x,
                shape=alt.Shape("shape:N", scale=None),
                fill=alt.Fill("fill:N", scale=None),
                stroke=alt.Stroke("colour:N", scale=None),
            ),
            *row_labels(labels, y, frame),
        ]
        return alt.layer(*layers), height

    longest = max(words.columns(words.shorten(row.name, _NAME)) for row in known)
    tail = max(words.columns(words.whole(row.support)) for row in known)
    named = words.listing([_MEASURES[key] for key in shown])
    title = f"Change in {named} of each class against doing nothing"
    return both(draw, "chart-classes", title, _message(known), (fitted(longest + tail + 3), NARROW))


class _Panels:
    """Where the panels of the measures lie, and where a change lies in them; all share one scale."""

    def __init__(self, shown: Sequence[str], domain: tuple[float, float], frame: Frame) -> None:
        self.shown, self.domain, self.gap = shown, domain, _GAP[frame.name]
        self.width = (frame.plot_width - self.gap * (len(shown) - 1)) / len(shown)

    def x(self, key: str, value: float) -> float:
        """Pixels from the left of the plot."""
        low, high = self.domain
        left = self.shown.index(key) * (self.width + self.gap)
        return left + (value - low) / (high - low) * self.width

    def ticks(self) -> list[float]:
        """Round changes, so few that their labels do not touch."""
        low, high = self.domain
        most = self.width / 46
        step = next((step for step in _STEPS if (high - low) / step <= most), _STEPS[-1])
        return [
            k * step
            for k in range(round(low / step - 0.499), round(high / step + 0.499) + 1)
            if low <= k * step <= high
        ]

    def frames(self, x: Any, height: int, frame: Frame) -> list[Any]:
        """Layers of the grid, the zero lines, the numbers below and the measures' names above."""
        alt = altair()
        grid = [
            {"x": self.x(key, tick), "text": "0" if tick == 0 else f"{tick:+.2f}".rstrip("0").replace("-", "\u2212")}
            for key in self.shown
            for tick in self.ticks()
        ]
        heads = [
            {
                "x": self.x(key, self.domain[0]),
                "text": f"change in {_MEASURES[key]}" if not frame.is_narrow else _MEASURES[key],
            }
            for key in self.shown
        ]
        zeros = [{"x": self.x(key, 0.0)} for key in self.shown]
        small = {"fontSize": frame.font - 1, "color": COLOURS["muted"]}
        lines, numbers, names = (alt.Chart(chart_data(values)) for values in (zeros, grid, heads))
        below = numbers.mark_text(baseline="top", **small).encode(
            x=x, y=alt.YValue(height + 8), text=alt.Text("text:N")
        )
        above = names.mark_text(align="left", baseline="bottom", **small)
        return [
            numbers.mark_rule(color=COLOURS["line"]).encode(x=x),
            lines.mark_rule(color=COLOURS["muted"], strokeWidth=1.2).encode(x=x),
            below,
            above.encode(x=x, y=alt.YValue(-8), text=alt.Text("text:N")),
        ]


def _marks(place: int, row: ClassRow, panels: _Panels) -> list[dict[str, Any]]:
    """Point and interval of each measure; recall carries the verdict, the others the sign of a clear change."""
    marks = []
    for key in panels.shown:
        figure: Figure = getattr(row, key)
        if figure.delta is None:
            continue
        low, high = figure.delta_interval or (figure.delta, figure.delta)
        shape, tone = (row.verdict.shape, row.verdict.tone) if key == "recall" else _clear(low, high, row)
        marks.append(
            {
                "row": place,
                "x": panels.x(key, figure.delta),
                "low": panels.x(key, low),
                "high": panels.x(key, high),
                "shape": shape,
                "colour": COLOURS[tone],
                "fill": COLOURS["surface" if tone == "few" else tone],
            }
        )
    return marks


def _clear(low: float, high: float, row: ClassRow) -> tuple[str, str]:
    if row.verdict.tone == "few":
        return "diamond", "few"
    if low > 0:
        return "triangle-up", "gain"
    return ("triangle-down", "loss") if high < 0 else ("circle", "same")


def _label(place: int, row: ClassRow, frame: Frame) -> dict[str, Any]:
    support = words.whole(row.support)
    name = words.shorten(row.name, _NAME)
    if frame.is_narrow:
        room = frame.label_room - words.columns(support) - words.columns(row.verdict.text) - 3
        name = f"{words.isolated(words.shorten(row.name, room))} · {support}"
    return {
        "row": place,
        "label": name,
        "tail": support,
        "end": row.verdict.text if frame.is_narrow else f"{words.change(row.recall.delta)} {row.verdict.text}",
    }


def _message(known: Sequence[ClassRow]) -> str:
    best = max(known, key=lambda row: row.recall.delta or 0.0)
    worst = min(known, key=lambda row: row.recall.delta or 0.0)
    return (
        f"{classes_lead(tuple(known))} Largest rise in recall: {words.quoted(best.name)} "
        f"{words.change(best.recall.delta)}. Largest fall: {words.quoted(worst.name)} "
        f"{words.change(worst.recall.delta)}."
    )
