"""Which column is the text and which the label, where nobody says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.features import holds_text

if TYPE_CHECKING:
    import polars as pl

#: What label columns are called.
LABEL_NAMES = ("label", "labels", "class", "class_label", "target", "category", "intent", "tags")
#: Rows that a label has on average, at least, where it is known by nothing else.
_ROWS_PER_LABEL = 5


@dataclass(frozen=True)
class Roles:
    """Columns by what they are.

    Attributes
    ----------
    text, target : str
        Names of the columns.
    """

    text: str
    target: str


def find_roles(frame: pl.DataFrame, text: str | None = None) -> Roles | None:
    """Column of texts and column of labels of a table; None where it is not plain which they are.

    There must be one column of texts (named, or found by its words). The label is the column called so; else, the
    only other one whose values come again and again.

    Examples
    --------
    >>> import polars as pl
    >>> find_roles(pl.DataFrame({"id": ["a1", "b2"], "label": ["x", "y"], "note": ["how are you", "I am well"]}))
    Roles(text='note', target='label')
    """
    import polars as pl

    strings = [name for name, kind in frame.schema.items() if kind == pl.String]
    texts = [text] if text is not None else [name for name in strings if holds_text(frame[name])]
    if len(texts) != 1 or texts[0] not in frame.columns:
        return None
    others = [name for name in frame.columns if name != texts[0]]
    called = [name for name in others if name.strip().lower() in LABEL_NAMES]
    if not called:
        called = [name for name in others if 1 < frame[name].n_unique() * _ROWS_PER_LABEL <= frame.height]
    return Roles(texts[0], called[0]) if len(called) == 1 else None
