"""Bars: how many rows each class has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steelyard.report import words
from steelyard.report.charts.canvas import NARROW, WIDE, Frame, altair, both, chart_data, fitted, row_labels, rows_axis
from steelyard.report.charts.svg import COLOURS
from steelyard.report.classes import abridged
from steelyard.report.distribution import ClassCount, Distribution

if TYPE_CHECKING:
    from markupsafe import Markup

#: More bars than this are not read; the commonest and the rarest half of them are drawn.
MOST_BARS = 60
_LOG_START = 0.8


def class_counts_chart(spread: Distribution) -> Markup:
    """Chart of the class distribution, on a log scale where a plain one would hide the rare classes."""
    classes = abridged(spread.classes, MOST_BARS)
    start = _LOG_START if spread.on_log_scale else 0.0
    top = max(max(item.count for item in classes), 1.0)

    def draw(frame: Frame) -> tuple[Any, int]:
        alt = altair()

        rows = [
            {
                "row": place,
                "label": words.shorten(item.name, frame.label_room - (words.columns(_end(item)) + 2) * frame.is_narrow),
                "tail": "",
                "end": _end(item),
                "count": max(item.count, start),
                "colour": COLOURS["bar" if item.is_scored else "pale"],
            }
            for place, item in enumerate(classes)
        ]
        data, axis = chart_data(rows), rows_axis(len(rows))
        kind, ticks = ("log", _powers(top)) if spread.on_log_scale else ("linear", None)
        x = alt.X(
            "count:Q",
            scale=alt.Scale(type=kind, domain=[start, top], nice=False),
            axis=alt.Axis(
                title="rows, log scale" if spread.on_log_scale else "rows",
                format=",.0f",
                tickCount=4,
                **({"values": ticks} if ticks else {}),
            ),
        )
        bars = alt.Chart(data).mark_bar(
            height=10 if frame.is_narrow else 14, yOffset=frame.mark_shift, cornerRadiusEnd=2
        )
        layers = [
            bars.encode(y=axis, x=x, x2=alt.X2Datum(start), color=alt.Color("colour:N", scale=None)),
            *row_labels(data, axis, frame),
        ]
        return alt.layer(*layers), len(rows) * frame.row

    longest = max(words.columns(words.shorten(item.name, WIDE.label_room)) for item in classes)
    return both(draw, "chart-counts", "Rows of each class", spread.lead, (fitted(longest), NARROW))


def _end(item: ClassCount) -> str:
    return f"{words.whole(item.count)} ({words.percent(item.share)})" + ("" if item.is_scored else " not scored")


def _powers(top: float) -> list[float]:
    powers, value = [], 1.0
    while value <= top:
        powers.append(value)
        value *= 10
    return powers
