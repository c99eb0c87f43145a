"""What to mind before training, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steelyard.counts import LabelCounts

#: Ratios of the commonest to the rarest class past which more is said.
STEEP, EXTREME = 20.0, 100.0
_NEARLY_EVEN = 3.0
#: Below so many rows, what a class's recall is known to is said.
_FEW_ROWS = 30


def imbalance_advice(ratio: float) -> str | None:
    """What an imbalance of that ratio asks for; None where it asks for nothing.

    Examples
    --------
    >>> imbalance_advice(12.0) is None
    True
    >>> print(imbalance_advice(16.4 * 10).split(",")[0])
    Past 100 to 1
    """
    if ratio > EXTREME:
        return (
            "Past 100 to 1, plain inverse weights tend to buy rare hits with many false alarms. Softer weights, a "
            "tuned decision, or more labelled rows of the rarest classes usually go further."
        )
    if ratio > STEEP:
        return (
            "Past 20 to 1, accuracy says little: a model can look good and miss the rare classes. Read the per-class "
            "table; weights, balanced sampling and tuned decisions are worth comparing."
        )
    return None


def advice(counts: LabelCounts) -> list[str]:
    """Sentences on a class distribution, the most important first."""
    present = [(name, int(n)) for name, n in counts.as_dict().items() if n > 0]
    if not present:
        return ["No class has a row."]
    said = []
    common, most = max(present, key=lambda item: item[1])
    if len(present) == 1:
        return [f"All rows are of one class, {_quoted(common)}: there is nothing to tell apart."]
    if counts.absent:
        said.append(
            f"Without a row: {_listed(counts.absent)}. Such a class cannot be learned; its weight is formed as if it "
            "had one row."
        )
    single = [name for name, n in present if n == 1]
    if single:
        said.append(
            f"With one row: {_listed(single)}. It can be trained on, but never be scored: label more, or merge it "
            "with another class."
        )
    few, name = min(((n, name) for name, n in present if n > 1), key=lambda item: item[0], default=(_FEW_ROWS, ""))
    if few < _FEW_ROWS:
        low, high = wilson(0.5, few)
        said.append(
            f"With the {few} rows of {_quoted(name)}, a recall of one half is known no better than "
            f"{100 * low:.0f} % to {100 * high:.0f} % (95 % interval)."
        )
    ratio = counts.imbalance_ratio
    if counts.known is None and most / counts.total > 0.8:
        said.append(
            f"Always answering {_quoted(common)} is right on {100 * most / counts.total:.1f} % of the rows and finds "
            "none of the others: do not judge by accuracy."
        )
    if stated := imbalance_advice(ratio):
        said.append(stated)
    elif ratio <= _NEARLY_EVEN:
        said.append("The classes are of similar size: doing nothing may well be the best that can be done.")
    return said


def wilson(share: float, rows: int) -> tuple[float, float]:
    """95 % interval of a share of rows (Wilson 1927).

    Examples
    --------
    >>> [round(end, 3) for end in wilson(0.5, 10)]
    [0.237, 0.763]
    """
    z = 1.959963984540054
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return middle - half, middle + half


def _quoted(name: object) -> str:
    return f"“{' '.join(str(name).split())}”"


def _listed(names: Sequence[object], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(_quoted(name) for name in names[:most]) + more
