"""Rows that occur more than once, and those of them that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Duplicates:
    """Repeated rows of a table.

    Attributes
    ----------
    rows : int
        Rows that repeat the features of an earlier row.
    contradicting : int
        Rows that share all their features with a row of another label: no model can be right on all of them.
    """

    rows: int
    contradicting: int


def find_duplicates(features: pl.DataFrame, labels: Any) -> Duplicates:
    """Repeated rows of a table, in well under a second for a million rows.

    Rows are told apart by a hash of 64 bits: of a million different rows, two share one once in 37 million tables.

    Parameters
    ----------
    features : polars.DataFrame
    labels : polars.Series of shape (n_rows,)
        A row without a label contradicts none.

    Examples
    --------
    >>> import polars as pl
    >>> find_duplicates(pl.DataFrame({"x": [1, 1, 1, 2]}), pl.Series(["a", "b", "a", "a"]))
    Duplicates(rows=2, contradicting=3)
    """
    import polars as pl

    if features.width == 0 or features.height == 0:
        return Duplicates(0, 0)
    hashes = features.hash_rows()
    different = hashes.n_unique()
    if different == features.height:
        return Duplicates(0, 0)
    groups = (
        pl.DataFrame({"row": hashes, "label": labels.to_physical()})
        .group_by("row")
        .agg(rows=pl.len(), first=pl.col("label").min(), last=pl.col("label").max())
    )
    return Duplicates(
        rows=features.height - different,
        contradicting=int(groups.filter(pl.col("first") != pl.col("last"))["rows"].sum()),
    )
