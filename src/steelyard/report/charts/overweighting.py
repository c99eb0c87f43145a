"""Recall and precision, false alarms, and the gap to the rows trained on, as the rare classes weigh more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.report.charts.panels import Line, Panel, panels_chart, ticks
from steelyard.report.overweighting import Overweighting

if TYPE_CHECKING:
    from markupsafe import Markup


def overweighting_chart(shown: Overweighting) -> Markup:
    """Three panels over the same weights."""
    points = shown.points
    marks = [(float(place), point.label) for place, point in enumerate(points)]
    room = (-0.3, len(points) - 0.7)
    alarms = max(*(point.false_alarms for point in points), 1.0) * 1.05
    scores = [value for point in points for value in (point.score, point.train_score)]
    low, high = max(min(scores) - 0.05, 0.0), min(max(scores) + 0.05, 1.0)
    recall = [(float(place), point.recall) for place, point in enumerate(points)]
    precision = [(float(place), point.precision) for place, point in enumerate(points) if point.precision is not None]
    false_alarms = [(float(place), point.false_alarms) for place, point in enumerate(points)]
    unseen = [(float(place), point.score) for place, point in enumerate(points)]
    seen = [(float(place), point.train_score) for place, point in enumerate(points)]
    panels = [
        Panel(
            "Rarest classes",
            "weight",
            "recall (solid), precision (dashed)",
            [Line(precision, "loss", style="dashed", dots=True), Line(recall, "gain", dots=True)],
            x_range=room,
            x_ticks=marks,
        ),
        Panel(
            "False alarms",
            "weight",
            "rows wrongly called rare",
            [Line(false_alarms, "loss", dots=True)],
            x_range=room,
            x_ticks=marks,
            y_range=(0.0, alarms),
            y_ticks=ticks(0.0, alarms),
        ),
        Panel(
            "Overfitting",
            "weight",
            "macro F1: trained on (dashed), unseen",
            [Line(seen, "same", style="dashed", dots=True), Line(unseen, "gain", dots=True)],
            x_range=room,
            x_ticks=marks,
            y_range=(low, high),
            y_ticks=ticks(low, high),
        ),
    ]
    title = "What more and more weight on the rarest classes does"
    return panels_chart(panels, "chart-overweighting", title, shown.lead, (3, 1))
