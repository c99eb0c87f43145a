"""The verdict: what may be said, by the rule of the published contract, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.metrics import Metric
from steelyard.study.compare import Scores, Winner, sign_of
from steelyard.study.plan import StudyArm


@dataclass(frozen=True)
class Verdict:
    """Kind ("clear_winner", "no_clear_winner", "no_gain") and a text of two or three sentences."""

    kind: str
    text: str


def judge(arms: Sequence[StudyArm], scores: Scores, winner: Winner, metric: Metric) -> Verdict:
    """Verdict of a study.

    ``clear_winner`` needs both a gain over doing nothing whose interval, corrected for the choice, lies above 0,
    and a score above that of the same rule without skill. ``no_gain`` is where no arm is above doing nothing, or
    the winner is not above no skill. Anything else is ``no_clear_winner``.
    """
    sign = sign_of(metric)
    best = winner.index
    skill = (
        sign * (scores.score[best] - scores.no_skill_high[best]) > 0
        and sign * (min(winner.score_ci, key=lambda bound: sign * bound) - scores.no_skill[best]) > 0
    )
    best_arm, baseline = arms[best], arms[scores.baseline]
    name = best_arm.title
    nothing = f"Doing nothing on {baseline.model} has {metric.title} {scores.score[scores.baseline]:.3f}"
    if not skill:
        return Verdict(
            "no_gain",
            f"No gain: nothing here is clearly better than guessing. The highest score is {metric.title} "
            f"{winner.score:.3f} (95 % interval {winner.score_ci[0]:.3f} to {winner.score_ci[1]:.3f}) by {name}; the "
            f"same rule on shuffled rows has {scores.no_skill[best]:.3f}.",
        )
    if best == scores.baseline or not sign * scores.delta[best] > 0:
        return Verdict(
            "no_gain",
            f"No gain: treating the rare classes did not help. {nothing}, and none of the {len(arms)} arms is better.",
        )
    change = (
        f"{winner.gain:+.3f} (95 % interval {winner.gain_ci[0]:+.3f} to {winner.gain_ci[1]:+.3f}), corrected for its "
        f"being the best of {len(arms)} arms"
    )
    if winner.gain_ci[0] > 0:
        return Verdict(
            "clear_winner",
            f"Clear winner: {name}, with {metric.title} {winner.score:.3f}. {nothing}; the gain is {change}.",
        )
    return Verdict(
        "no_clear_winner",
        f"No clear winner. {name} has the highest score, but its gain over doing nothing, {change}, could be chance. "
        f"{nothing}.",
    )
