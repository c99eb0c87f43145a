"""The charts of a report: Altair draws those with a row for each thing, `panels` the small line charts.

Each comes in a wide and a narrow drawing of the same data; the style sheet shows the one that fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.report.charts.class_changes import class_changes_chart
from steelyard.report.charts.class_counts import class_counts_chart
from steelyard.report.charts.curves import class_curves_chart, net_benefit_chart, reliability_chart
from steelyard.report.charts.leaderboard import Leaderboard, leaderboard_chart
from steelyard.report.charts.overweighting import overweighting_chart
from steelyard.report.charts.tradeoff import tradeoff_chart
from steelyard.report.charts.tuning import tuning_chart

if TYPE_CHECKING:
    from markupsafe import Markup

    from steelyard.report.view import View

__all__ = ["Charts", "all_charts"]


@dataclass(frozen=True)
class Charts:
    """Drawings by section; None where there is nothing to draw."""

    counts: Markup | None
    leaderboard: Leaderboard | None
    classes: Markup | None
    tradeoff: Markup | None
    curves: Markup | None
    reliability: Markup | None
    net_benefit: Markup | None
    overweighting: Markup | None
    tuning: Markup | None


def all_charts(view: View) -> Charts:
    """All charts of a view."""
    return Charts(
        counts=class_counts_chart(view.distribution) if view.distribution else None,
        leaderboard=leaderboard_chart(view.arms, view.measure),
        classes=class_changes_chart(view.per_class.rows) if view.per_class else None,
        tradeoff=tradeoff_chart(view.tradeoff) if view.tradeoff else None,
        curves=class_curves_chart(view.curves),
        reliability=reliability_chart(
            view.curves.reliability,
            view.best,
            "predicted probability" if view.is_binary else "probability of the likeliest class",
        ),
        net_benefit=net_benefit_chart(view.curves.net_benefit) if view.curves.net_benefit else None,
        overweighting=overweighting_chart(view.overweighting) if view.overweighting else None,
        tuning=tuning_chart(view.tuning) if view.tuning else None,
    )
