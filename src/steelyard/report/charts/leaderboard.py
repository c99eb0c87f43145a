"""Dots with intervals: what the best arms scored, against doing nothing and against no skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steelyard.report import words
from steelyard.report.arms import Arm
from steelyard.report.charts.canvas import (
    NARROW,
    WIDE,
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
from steelyard.report.measures import Measure

if TYPE_CHECKING:
    from markupsafe import Markup

#: The chart shows so many arms and the baseline; the table shows all.
MOST_ARMS = 20
#: No skill is drawn while that makes the axis at most so many times longer; beyond, differences would vanish.
_LONGEST_STRETCH = 2.0


@dataclass(frozen=True)
class Leaderboard:
    """The drawing, whether it shows no skill, and a sentence that says where no skill lies if it does not."""

    drawing: Markup
    shows_no_skill: bool
    elsewhere: str


def leaderboard_chart(arms: Sequence[Arm], measure: Measure) -> Leaderboard | None:
    """Chart of the best arms; None where no arm has a score."""
    known = [arm for arm in arms if arm.score is not None]
    shown = known[:MOST_ARMS] + [arm for arm in known[MOST_ARMS:] if arm.is_baseline or arm.is_winner]
    if not shown:
        return None
    scores = [value for arm in shown for value in (arm.score, *(arm.interval or ())) if value is not None]
    no_skill = [arm.no_skill for arm in shown if arm.no_skill is not None]
    in_sight = bool(no_skill) and _is_in_sight(no_skill, scores)
    domain = extent([*scores, *no_skill] if in_sight else scores, least=0.05)

    def draw(frame: Frame) -> tuple[Any, int]:
        rows = [_row(place, arm, frame) for place, arm in enumerate(shown)]
        return _layers(rows, shown, domain, measure.label, in_sight, frame), len(rows) * frame.row

    longest = max(words.columns(_label(arm, WIDE.label_room)) for arm in shown)
    title = f"{words.heading(measure.label)} of the best arms, with 95 % intervals"
    drawing = both(draw, "chart-arms", title, _message(shown, measure), (fitted(longest), NARROW))
    return Leaderboard(drawing, in_sight, "" if in_sight or not no_skill else _elsewhere(no_skill, scores))


def _is_in_sight(no_skill: Sequence[float], scores: Sequence[float]) -> bool:
    plain = max(max(scores) - min(scores), 0.05)
    return max(*no_skill, *scores) - min(*no_skill, *scores) <= _LONGEST_STRETCH * plain


def _elsewhere(no_skill: Sequence[float], scores: Sequence[float]) -> str:
    low, high = words.number(min(no_skill)), words.number(max(no_skill))
    side = "left" if min(no_skill) < min(scores) else "right"
    where = f"at {low}" if low == high else f"between {low} and {high}"
    return f"No skill (the same rules on shuffled scores) lies {where}, off the chart to the {side}."


def _layers(
    rows: list[dict[str, Any]],
    shown: Sequence[Arm],
    domain: tuple[float, float],
    label: str,
    with_no_skill: bool,
    frame: Frame,
) -> Any:
    alt = altair()

    data, y, shift = chart_data(rows), rows_axis(len(rows)), frame.mark_shift
    x = alt.X(
        "score:Q",
        scale=alt.Scale(domain=list(domain), nice=False, zero=False),
        axis=alt.Axis(title=label, tickCount=5, format="~f"),
    )
    chart, colour = alt.Chart(data), alt.Color("colour:N", scale=None)
    layers = [layer for arm in shown if arm.is_baseline for layer in _baseline(arm.score, frame)]
    if with_no_skill:
        tick = chart.mark_tick(orient="vertical", thickness=2, size=11, yOffset=shift, color=COLOURS["faint"])
        layers.append(tick.encode(y=y, x=alt.X("no_skill:Q")))
    layers += [
        chart.mark_rule(strokeWidth=2, yOffset=shift).encode(y=y, x=alt.X("low:Q"), x2=alt.X2("high:Q"), color=colour),
        chart.mark_point(filled=True, size=64, opacity=1, yOffset=shift).encode(y=y, x=x, color=colour),
        *row_labels(data, y, frame),
    ]
    return alt.layer(*layers)


def _label(arm: Arm, room: int) -> str:
    # Rank and model are kept whole: they tell two arms apart whose strategies are cut alike.
    model = words.shorten(arm.model, 14)
    return f"{arm.rank}  {words.shorten(arm.strategy, max(room - words.columns(model) - 6, 8))} · {model}"


def _row(place: int, arm: Arm, frame: Frame) -> dict[str, Any]:
    role = arm.best if arm.is_winner and not arm.is_baseline else "doing nothing" if arm.is_baseline else ""
    end = words.number(arm.score) + (f"  {role}" if role else "")
    low, high = arm.interval or (arm.score, arm.score)
    return {
        "row": place,
        "label": _label(arm, frame.label_room - (words.columns(end) + 1 if frame.is_narrow else 0)),
        "tail": "",
        "end": end,
        "score": arm.score,
        "low": low,
        "high": high,
        "no_skill": arm.no_skill,
        "colour": COLOURS["gain" if arm.is_winner else "ink" if arm.is_baseline else "same"],
    }


def _baseline(score: float | None, frame: Frame) -> list[Any]:
    alt = altair()

    line = alt.Chart(chart_data([{"at": score}]))
    return [
        line.mark_rule(strokeDash=[4, 3], strokeWidth=1.2, color=COLOURS["ink"]).encode(x=alt.X("at:Q")),
        line.mark_text(
            text="doing nothing", align="center", dy=-10, fontSize=frame.font - 1, color=COLOURS["muted"]
        ).encode(x=alt.X("at:Q"), y=alt.YValue(0)),
    ]


def _message(shown: Sequence[Arm], measure: Measure) -> str:
    best = shown[0]
    text = f"Best {measure.label}: {words.number(best.score)} by {best.label}."
    baseline = next((arm for arm in shown if arm.is_baseline), None)
    if baseline is not None and baseline is not best:
        text += f" Doing nothing scored {words.number(baseline.score)} and came in place {baseline.rank}."
    return text
