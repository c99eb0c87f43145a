"""Trials and the best so far of the best searched arms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from steelyard.report.charts.canvas import extent
from steelyard.report.charts.panels import Line, Panel, panels_chart, ticks
from steelyard.report.tuning import SearchedArm, SearchView

if TYPE_CHECKING:
    from markupsafe import Markup


def tuning_chart(shown: SearchView) -> Markup:
    """A panel for each arm: its trials in order, the best so far, and its score on rows that took no part."""
    panels = [_panel(arm, shown.measure) for arm in shown.arms]
    return panels_chart(panels, "chart-tuning", "What the searches found, trial by trial", shown.lead, (len(panels), 1))


def _panel(arm: SearchedArm, measure: str) -> Panel:
    whole = arm.whole
    most = max((trial.number for search in arm.searches for trial in search.trials), default=1)
    room = (0.5, most + 0.5)
    done = [(float(trial.number), trial.score) for trial in whole.trials if not trial.is_given_up]
    left = [(float(trial.number), trial.score) for trial in whole.trials if trial.is_given_up]
    folds = [search.best_so_far for search in arm.searches if not search.is_whole and search.best_so_far]
    lines = [Line(_steps(line), "faint", "dotted") for line in folds]
    if arm.score is not None:
        lines.append(Line([(room[0], arm.score), (room[1], arm.score)], "same", "dashed"))
    if left:
        lines.append(Line(left, "same", "none", rings=True))
    lines += [Line(_steps(whole.best_so_far), "gain"), Line(done, "gain", "none", dots=True)]
    values = [value for line in lines for _, value in line.points]
    low, high = extent(values, margin=0.08, least=0.02)
    heading = f"{arm.rank}. {arm.label}"
    y_title = f"{measure}, inner folds"
    x_ticks = [(value, label) for value, label in ticks(1, max(most, 2)) if value.is_integer()] or [(1.0, "1")]
    if x_ticks[0][0] > 1:
        x_ticks.insert(0, (1.0, "1"))
    return Panel(heading, "trial", y_title, lines, room, (low, high), x_ticks, ticks(low, high))


def _steps(line: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """The line as a stair: what is best holds until something better is found."""
    out = list(line[:1])
    for (_, before), (x, value) in pairwise(line):
        out += [(x, before), (x, value)]
    return out
