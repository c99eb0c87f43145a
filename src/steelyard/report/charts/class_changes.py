"""Recall change of each class against doing nothing, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steelyard.report import words
from steelyard.report.charts.canvas import (
    NARROW,
    Frame,
    altair,
    both,
    change_axis,
    extent,
    fitted,
    row_labels,
    rows_axis,
)
from steelyard.report.charts.svg import COLOURS
from steelyard.report.classes import ClassRow, abridged, classes_lead

if TYPE_CHECKING:
    from markupsafe import Markup

#: More rows than this are not read; the classes with most and with fewest rows are drawn.
MOST_CLASSES = 60
_NAME = 32


def class_changes_chart(classes: tuple[ClassRow, ...]) -> Markup | None:
    """Chart of the recall changes, common classes on top; None where no change is known."""
    known = abridged(tuple(row for row in classes if row.recall.delta is not None), MOST_CLASSES)
    if not known:
        return None
    values = [end for row in known for end in (row.recall.delta, *(row.recall.delta_interval or ())) if end is not None]

    def draw(frame: Frame) -> tuple[Any, int]:
        alt = altair()

        rows = [_row(place, row, frame) for place, row in enumerate(known)]
        data, y = alt.Data(values=rows), rows_axis(len(rows))
        axis = change_axis("◂ worse · change in recall · better ▸")
        x = alt.X("delta:Q", scale=alt.Scale(domain=list(extent([*values, 0.0], least=0.1)), nice=False), axis=axis)
        chart, shift = alt.Chart(data), frame.mark_shift
        colour = alt.Color("colour:N", scale=None)
        zero = alt.Chart(alt.Data(values=[{"at": 0.0}])).mark_rule(color=COLOURS["muted"], strokeWidth=1.2)
        layers = [
            zero.encode(x=alt.X("at:Q")),
            chart.mark_rule(strokeWidth=2, yOffset=shift).encode(y=y, x=alt.X("low:Q"), x2="high:Q", color=colour),
            chart.mark_point(filled=True, size=72, opacity=1, yOffset=shift, strokeWidth=1.6).encode(
                y=y,
                x=x,
                shape=alt.Shape("shape:N", scale=None),
                fill=alt.Fill("fill:N", scale=None),
                stroke=alt.Stroke("colour:N", scale=None),
            ),
            *row_labels(data, y, frame),
        ]
        return alt.layer(*layers), len(rows) * frame.row

    longest = max(words.columns(words.shorten(row.name, _NAME)) for row in known)
    tail = max(words.columns(words.whole(row.support)) for row in known)
    title = "Change in recall of each class against doing nothing"
    return both(draw, "chart-classes", title, _message(known), (fitted(longest + tail + 3), NARROW))


def _row(place: int, row: ClassRow, frame: Frame) -> dict[str, Any]:
    low, high = row.recall.delta_interval or (row.recall.delta, row.recall.delta)
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
        "delta": row.recall.delta,
        "low": low,
        "high": high,
        "shape": row.verdict.shape,
        "colour": COLOURS[row.verdict.tone],
        "fill": COLOURS["surface" if row.verdict.tone == "few" else row.verdict.tone],
    }


def _message(known: Sequence[ClassRow]) -> str:
    best = max(known, key=lambda row: row.recall.delta or 0.0)
    worst = min(known, key=lambda row: row.recall.delta or 0.0)
    return (
        f"{classes_lead(tuple(known))} Largest rise in recall: {words.quoted(best.name)} "
        f"{words.change(best.recall.delta)}. Largest fall: {words.quoted(worst.name)} "
        f"{words.change(worst.recall.delta)}."
    )
