"""Points: mean recall change of the rarer half of the classes against that of the commoner half."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from steelyard.report.charts.canvas import NARROW, WIDE, Frame, altair, both, change_axis, chart_data, extent
from steelyard.report.charts.placement import label_places
from steelyard.report.charts.svg import COLOURS
from steelyard.report.tradeoff import Tradeoff

if TYPE_CHECKING:
    from markupsafe import Markup

_FRAMES = (replace(WIDE, left=74, right=24), replace(NARROW, left=54, right=14))
_HEIGHT = {"wide": 380, "narrow": 300}


def tradeoff_chart(shown: Tradeoff) -> Markup:
    """Chart of what the rare classes gained and what that cost the common ones."""
    across = extent([0.0, *(point.common for point in shown.points)], margin=0.09, least=0.1)
    up = extent([0.0, *(point.rare for point in shown.points)], margin=0.09, least=0.1)

    def draw(frame: Frame) -> tuple[Any, int]:
        alt = altair()

        height = _HEIGHT[frame.name]
        rows = _rows(shown, frame, height, across, up)
        chart = alt.Chart(chart_data(rows))
        labelled = alt.Chart(chart_data([row for row in rows if row["number"]]))
        x = alt.X(
            "common:Q",
            scale=alt.Scale(domain=list(across), nice=False),
            axis=change_axis("◂ loses · recall of the commoner half · gains ▸"),
        )
        y = alt.Y(
            "rare:Q",
            scale=alt.Scale(domain=list(up), nice=False),
            axis=change_axis("◂ loses · recall of the rarer half · gains ▸"),
        )
        colour = alt.Color("colour:N", scale=None)
        layers = [
            *_axes(),
            labelled.mark_rule(color=COLOURS["faint"], strokeWidth=1).encode(
                x=x, y=y, x2=alt.X2("line_common:Q"), y2=alt.Y2("line_rare:Q")
            ),
            chart.mark_point(filled=True, opacity=1, stroke=COLOURS["surface"], strokeWidth=1).encode(
                x=x,
                y=y,
                color=colour,
                size=alt.Size("size:Q", scale=None),
                shape=alt.Shape("shape:N", scale=None),
            ),
            labelled.mark_text(fontSize=frame.font, fontWeight=600, baseline="middle").encode(
                x=alt.X("label_common:Q"), y=alt.Y("label_rare:Q"), text=alt.Text("number:N"), color=colour
            ),
        ]
        return alt.layer(*layers), height

    title = "Recall change of the rarer half of the classes against the commoner half, per arm"
    return both(draw, "chart-tradeoff", title, shown.lead, _FRAMES)


def _axes() -> list[Any]:
    alt = altair()

    origin = alt.Chart(chart_data([{"at": 0.0}]))
    style = {"color": COLOURS["muted"], "strokeWidth": 1.2}
    return [
        origin.mark_rule(**style).encode(x=alt.X("at:Q")),
        origin.mark_rule(**style).encode(y=alt.Y("at:Q")),
    ]


def _rows(
    shown: Tradeoff, frame: Frame, height: int, across: tuple[float, float], up: tuple[float, float]
) -> list[dict[str, Any]]:
    width = frame.plot_width

    def pixels(common: float, rare: float) -> tuple[float, float]:
        x = (common - across[0]) / (across[1] - across[0]) * width
        return x, (up[1] - rare) / (up[1] - up[0]) * height

    ordered = sorted(shown.numbered, key=lambda point: not point.arm.is_winner)
    all_points = [pixels(point.common, point.rare) for point in shown.points] + [pixels(0.0, 0.0)]
    centres = label_places(
        [pixels(point.common, point.rare) for point in ordered], all_points, (18, 16), (width, height)
    )
    places = {point.arm.id: centre for point, centre in zip(ordered, centres, strict=True)}

    def values(x: float, y: float) -> tuple[float, float]:
        return across[0] + x / width * (across[1] - across[0]), up[1] - y / height * (up[1] - up[0])

    rows = [{"common": 0.0, "rare": 0.0, "number": "", "colour": COLOURS["ink"], "size": 90, "shape": "square"}]
    # The winner is drawn last, so that no other point covers it.
    for point in sorted(shown.points, key=lambda point: (point.arm.is_winner, -point.arm.rank)):
        start = pixels(point.common, point.rare)
        centre = places.get(point.arm.id, start)
        label, end = values(*centre), values(*_line_end(start, centre))
        rows.append(
            {
                "common": point.common,
                "rare": point.rare,
                "number": str(point.arm.rank) if point.arm.id in places else "",
                "label_common": label[0],
                "label_rare": label[1],
                "line_common": end[0],
                "line_rare": end[1],
                "colour": COLOURS["gain" if point.arm.is_winner else "same"],
                "size": 130 if point.arm.is_winner else 60,
                "shape": "circle",
            }
        )
    return rows


def _line_end(start: tuple[float, float], centre: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a point to its label stops: short of it, and at once where they are close."""
    distance = math.dist(start, centre)
    share = (distance - 10) / distance if distance > 16 else 0.0
    return start[0] + share * (centre[0] - start[0]), start[1] + share * (centre[1] - start[1])
