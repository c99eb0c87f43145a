"""Precision-recall, ROC, reliability and decision curves of the winner and of doing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from steelyard.report import words
from steelyard.report.charts.panels import Line, Panel, panels_chart, ticks
from steelyard.report.curves import ClassCurves, Curves, NetBenefit, Reliability

if TYPE_CHECKING:
    from markupsafe import Markup

#: How an arm is drawn; the one that matters is drawn last.
_COLOUR = {"winner": "gain", "baseline": "same"}


def _style(key: str, shown: Iterable[str]) -> Literal["solid", "dashed"]:
    return "dashed" if key == "baseline" and "winner" in shown else "solid"


def class_curves_chart(shown: Curves) -> Markup | None:
    """PR curves of the rarest classes in one row, ROC curves in the next."""
    if not shown.classes:
        return None
    panels = [_precision_recall(item) for item in shown.classes] + [_roc(item) for item in shown.classes]
    message = "; ".join(_message(item) for item in shown.classes)
    title = "Precision-recall and ROC curves of the rarest classes"
    columns = len(shown.classes)
    if columns == 1:
        return panels_chart(panels, "chart-curves", title, message, (2, 1))
    return panels_chart(panels, "chart-curves", title, message, (columns, 1))


def _precision_recall(item: ClassCurves) -> Panel:
    lines = []
    if item.share is not None:
        lines.append(Line([(0.0, item.share), (1.0, item.share)], "muted", "dotted"))
    for key in sorted(item.arms):
        points = item.arms[key].precision_recall
        # Before the first hit nothing is known of precision; the line starts where it does.
        lines.append(Line(points, _COLOUR[key], _style(key, item.arms)))
    lines += [Line([item.decisions[key]], _COLOUR[key], dots=True) for key in sorted(item.decisions)]
    heading = f"{item.name} ({words.whole(item.support)})"
    return Panel(heading, "recall", "precision", lines)


def _roc(item: ClassCurves) -> Panel:
    lines = [Line([(0.0, 0.0), (1.0, 1.0)], "muted", "dotted")]
    lines += [Line(item.arms[key].roc, _COLOUR[key], _style(key, item.arms)) for key in sorted(item.arms)]
    return Panel(f"{item.name}, ROC", "false alarms, share of the others", "recall", lines)


def _message(item: ClassCurves) -> str:
    said = ", ".join(
        f"{'best arm' if key == 'winner' else 'doing nothing'} {words.number(curve.average_precision)}"
        for key, curve in item.arms.items()
    )
    return f"Average precision of {words.quoted(item.name)}: {said}"


def reliability_chart(shown: tuple[Reliability, ...], best: str, what: str) -> Markup | None:
    """Reliability diagrams, one for each arm."""
    if not shown:
        return None
    headings = {"winner": words.heading(best), "baseline": "Doing nothing"}
    panels = []
    for item in shown:
        colour = _COLOUR[item.arm]
        lines = [
            Line([(0.0, 0.0), (1.0, 1.0)], "muted", "dotted"),
            Line(
                [(place.predicted, place.observed) for place in item.bins],
                colour,
                dots=True,
                whiskers=[(place.predicted, *place.interval) for place in item.bins],
            ),
        ]
        panels.append(Panel(headings[item.arm], what, "came true", lines))
    message = ". ".join(
        f"{headings[item.arm]}: mean distance {words.number(item.error)}, Brier score {words.number(item.brier)}"
        for item in shown
    )
    return panels_chart(panels, "chart-reliability", "How often a probability came true", message, (2, 1))


def net_benefit_chart(shown: NetBenefit) -> Markup:
    """Decision curve: net benefit against the cut."""
    own: Mapping[str, tuple[float, ...]] = {key: line for key, line in shown.lines.items() if key != "all"}
    top = max((max(line) for line in shown.lines.values()), default=0.0) or 0.01
    useful = [cut for line in own.values() for cut, value in zip(shown.cuts, line, strict=True) if value > 0.01 * top]
    end = min(max([0.1, *useful]) * 1.1, 1.0)
    bottom = -0.25 * top

    def line(key: str, colour: str, style: Literal["solid", "dashed"]) -> Line:
        points = [(cut, value) for cut, value in zip(shown.cuts, shown.lines[key], strict=True) if cut <= end]
        # What falls off the chart is followed to its edge and no further.
        below = next((place for place, (_, value) in enumerate(points) if value < bottom), len(points))
        points = points[: below + 1]
        return Line(points, colour, style)

    lines = [Line([(0.0, 0.0), (end, 0.0)], "muted")]
    lines += [line("all", "loss", "dashed")] if "all" in shown.lines else []
    lines += [line(key, _COLOUR[key], _style(key, own)) for key in sorted(own)]
    panel = Panel(
        f"Acting on {words.quoted(shown.name)}",
        "cut on its probability",
        "net benefit, hits per row",
        lines,
        (0.0, end),
        (bottom, top),
        ticks(0.0, end),
        ticks(bottom, top),
    )
    return panels_chart([panel], "chart-benefit", "Net benefit against the cut", shown.lead, (1, 1))
