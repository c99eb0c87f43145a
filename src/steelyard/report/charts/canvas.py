"""What all charts share: two widths, quiet axes, and rows with a label each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from steelyard.report.charts.svg import COLOURS, themed_svg

if TYPE_CHECKING:
    from markupsafe import Markup


def altair() -> Any:
    """Altair, imported when a chart is drawn; untyped, as its types are too narrow for computed settings."""
    return importlib.import_module("altair")


def load_drawing() -> None:
    """Load Altair, and let the renderer start: its first drawing takes as long as ten."""
    import vl_convert

    altair()
    vl_convert.vegalite_to_svg({"data": {"values": [{}]}, "mark": "point", "encoding": {}})


def chart_data(rows: Sequence[dict[str, Any]]) -> Any:
    """Rows as the data of a chart."""
    # Altair copies lists, and all in them, each time a chart is put into another.
    return altair().Data(values=tuple(rows))


@dataclass(frozen=True)
class Frame:
    """Sizes in pixels of one of the two drawings of a chart.

    In the wide one the label of a row stands left of it; in the narrow one, for want of room, above it.
    """

    name: str
    width: int
    left: int
    right: int
    row: int
    font: int
    label_room: int
    label_shift: int
    mark_shift: int

    @property
    def plot_width(self) -> int:
        """Width of the area between the margins."""
        return self.width - self.left - self.right

    @property
    def is_narrow(self) -> bool:
        """Whether this is the drawing for phones."""
        return self.name == "narrow"


WIDE = Frame("wide", 860, 320, 170, 25, 13, 40, 0, 0)
NARROW = Frame("narrow", 360, 8, 8, 40, 12, 42, -9, 9)
#: Pixels a narrow character takes at font size 13, in the widest of the usual system fonts.
_CHARACTER = 7.4


def fitted(columns: int) -> Frame:
    """Wide frame whose left margin is as wide as the longest label, so that it starts where the text does."""
    left = int(min(max(columns * _CHARACTER + 18, 90), WIDE.left))
    return replace(WIDE, left=left)


def both(
    draw: Callable[[Frame], tuple[Any, int]],
    key: str,
    title: str,
    description: str,
    frames: tuple[Frame, Frame] = (WIDE, NARROW),
) -> Markup:
    """Wide and narrow drawing of a chart, one after the other.

    Parameters
    ----------
    draw : callable
        Gives the Altair layers and the height of the plot for a frame.
    key, title, description : str
        As for :func:`~steelyard.report.charts.svg.themed_svg`.
    frames : pair of Frame
        The two sizes, where they differ from those of charts with labelled rows.
    """
    from markupsafe import Markup

    drawings = []
    for frame in frames:
        chart, height = draw(frame)
        drawings.append(themed_svg(_drawn(chart, frame, height), f"{key}-{frame.name}", title, description))
    return Markup("\n").join(drawings)


def _drawn(chart: Any, frame: Frame, height: int) -> str:
    import vl_convert

    # Set in the plain form: each setter of a chart copies all of it, its data included. And checking our own charts
    # against the schema would take half of the time a report takes.
    finished = chart.to_dict(validate=False)
    finished |= {
        "width": frame.plot_width,
        "height": height,
        "autosize": {"type": "none"},
        "padding": {"left": frame.left, "right": frame.right, "top": 26, "bottom": 50},
    }
    finished["config"] = finished.get("config", {}) | {
        "aria": False,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": {
            "domain": False,
            "ticks": False,
            "gridColor": COLOURS["line"],
            "labelColor": COLOURS["muted"],
            "labelFontSize": frame.font - 1,
            "labelPadding": 6,
            "labelFlush": False,
            "titleColor": COLOURS["muted"],
            "titleFontSize": frame.font - 1,
            "titleFontWeight": "normal",
            "titlePadding": 8,
        },
    }
    return str(vl_convert.vegalite_to_svg(finished))


def rows_axis(count: int) -> Any:
    """Vertical place of row ``row``, first on top."""
    alt = altair()

    return alt.Y("row:O", axis=None, scale=alt.Scale(domain=list(range(count)), paddingInner=0.0, paddingOuter=0.0))


def row_text(data: Any, axis: Any, frame: Frame, field: str, x: int, align: str, colour: str, shift: int) -> Any:
    """Layer that writes a field of each row at a fixed horizontal place."""
    # Channels in full, here and in the charts: what is given by a text or a bare value takes Altair ten times as long.
    alt = altair()

    mark = alt.Chart(data).mark_text(
        align=align, baseline="middle", color=COLOURS[colour], fontSize=frame.font, yOffset=shift
    )
    return mark.encode(axis, alt.XValue(x), alt.Text(f"{field}:N"))


def row_labels(data: Any, axis: Any, frame: Frame) -> list[Any]:
    """Layers that write field ``label`` of each row beside or above it, and field ``end`` at the other end.

    In the wide drawing a field ``tail`` stands between the label and the plot.
    """
    if frame.is_narrow:
        shift = frame.label_shift
        return [
            row_text(data, axis, frame, "label", 0, "left", "ink", shift),
            row_text(data, axis, frame, "end", frame.plot_width, "right", "muted", shift),
        ]
    return [
        row_text(data, axis, frame, "label", -frame.left, "left", "ink", 0),
        row_text(data, axis, frame, "tail", -14, "right", "muted", 0),
        row_text(data, axis, frame, "end", frame.plot_width + 14, "left", "muted", 0),
    ]


def change_axis(title: str) -> Any:
    """Axis of a difference: signed labels, and a 0 without a sign."""
    alt = altair()

    return alt.Axis(title=title, labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.2~f')", tickCount=5)


def extent(values: Sequence[float], margin: float = 0.05, least: float = 0.0) -> tuple[float, float]:
    """Ends of an axis that shows all values with some air around them.

    Parameters
    ----------
    values : sequence of float
        What has to be seen.
    margin : float
        Air on each side, as a share of the range.
    least : float
        Smallest range to show, so that noise is not blown up to the size of an effect.

    Examples
    --------
    >>> extent([0.0, 1.0], margin=0.25)
    (-0.25, 1.25)
    >>> extent([0.5], margin=0.0, least=1.0)
    (0.0, 1.0)
    """
    low, high = min(values), max(values)
    short = max(least - (high - low), 0.0) / 2
    air = (high - low) * margin or (0.0 if short else 0.05)
    return low - short - air, high + short + air
