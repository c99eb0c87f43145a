"""The first look itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from steelyard.counts import LabelCounts, count_labels
from steelyard.data import frame_from
from steelyard.errors import DataError
from steelyard.inspection.advice import EXTREME, advice
from steelyard.inspection.candidates import quantity_reason
from steelyard.inspection.duplicates import Duplicates, find_duplicates
from steelyard.inspection.schemes import Scheme, class_weight_schemes
from steelyard.labels import is_matrix, native
from steelyard.notebook import Cell, html_list, html_table
from steelyard.snippets import write_snippets


@dataclass(frozen=True, eq=False)
class Inspection:
    """What can be said of labelled data without training anything.

    Attributes
    ----------
    counts : LabelCounts
        Rows of each class.
    task : {"binary", "multiclass", "multilabel"}
    rows, unlabelled : int
        All rows, and those of them without a label.
    duplicates : Duplicates or None
        Repeated rows; None where only labels were given.
    advice : tuple of str
        What to mind, the most important first.
    strategy : str
        What the snippets do.
    source, target : str
        Where the data came from, and the column that was inspected.
    """

    counts: LabelCounts
    task: str
    rows: int
    unlabelled: int
    duplicates: Duplicates | None
    advice: tuple[str, ...]
    strategy: str
    source: str = ""
    target: str = ""

    @cached_property
    def schemes(self) -> Mapping[str, Scheme]:
        """Weights under every scheme, by its text form, the gentlest first."""
        return class_weight_schemes(self.counts)

    @cached_property
    def snippets(self) -> Mapping[str, str]:
        """Code for scikit-learn, PyTorch and Transformers; none for several labels a row."""
        return {} if self.task == "multilabel" else write_snippets(self.strategy, n_classes=len(self.counts))

    @cached_property
    def single(self) -> tuple[Any, ...]:
        """Classes with one row."""
        return tuple(name for name, n in self.counts.as_dict().items() if n == 1)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Positions of the classes from the one with most rows to the one with fewest."""
        return tuple(np.argsort(-self.counts.counts, kind="stable").tolist())

    def _repr_html_(self) -> str:
        rows: list[list[Cell]] = [
            [scheme.name, scheme.pull, f"{scheme.rarest_share:.1%}"] for scheme in self.schemes.values()
        ]
        header = ["scheme", "a row of the rarest counts as", "its share of the loss"]
        return self.counts._repr_html_() + html_table("weights", header, rows) + html_list("Advice", self.advice)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-safe data; classes as texts, common ones first."""
        names = [str(name) for name in self.counts.classes]
        shares = self.counts.priors
        return {
            "path": self.source,
            "target": self.target,
            "task": self.task,
            "rows": self.rows,
            "unlabelled": self.unlabelled,
            "classes": [
                {"name": names[k], "count": self.counts.counts[k].item(), "share": float(shares[k])} for k in self.order
            ],
            "imbalance_ratio": self.counts.imbalance_ratio,
            "absent": [str(name) for name in self.counts.absent],
            "single": [str(name) for name in self.single],
            "duplicates": None
            if self.duplicates is None
            else {"rows": self.duplicates.rows, "contradicting": self.duplicates.contradicting},
            "weights": [
                {
                    "scheme": scheme.name,
                    "weights": {names[k]: float(scheme.weights[k]) for k in self.order},
                    "pull": scheme.pull,
                    "rarest_share": scheme.rarest_share,
                    "effective_rows": scheme.effective_rows,
                    "effect": scheme.effect,
                }
                for scheme in self.schemes.values()
            ],
            "advice": list(self.advice),
            "strategy": self.strategy,
            "snippets": dict(self.snippets),
        }


def inspect_data(
    X: Any = None,
    y: Any = None,
    *,
    classes: Iterable[Any] | None = None,
    source: str = "",
    target: str = "",
) -> Inspection:
    """First look at labelled data: classes, duplicates, weights under every scheme, advice, code.

    Parameters
    ----------
    X : data frame or array of shape (n_rows, n_columns), optional
        Features, for finding repeated rows.
    y : labels, or counts
        Anything :func:`steelyard.count_labels` takes.
    classes : iterable, optional
        Classes that should be there; those without rows are reported as absent.
    source, target : str
        Names for the file and the column, shown only.

    Returns
    -------
    Inspection

    Raises
    ------
    DataError
        When there is no label at all, or X and y differ in length.

    Examples
    --------
    >>> look = inspect_data(y=["soccer"] * 82 + ["funny"] * 5)
    >>> look.counts.imbalance_ratio, round(look.schemes["inverse"].weights[0], 2)
    (16.4, np.float64(8.7))
    """
    if y is None:
        raise DataError("there is nothing to inspect: give labels as y")
    matrix = is_matrix(native(y))
    counts = count_labels(y, classes)
    if not len(counts) or not counts.total:
        raise DataError(f"{f'the column {target!r}' if target else 'y'} holds no label: nothing to inspect")
    one_each = counts.known is None and hasattr(y, "__len__") and not isinstance(y, (Mapping, LabelCounts))
    rows = len(y) if hasattr(y, "__len__") and (matrix or one_each) else int(counts.total)
    unlabelled = max(0, rows - int(counts.total)) if one_each else 0
    duplicates = None if X is None else _duplicates(X, y, rows)
    said = []
    if unlabelled:
        said.append(f"{unlabelled:,} rows have no label: a study leaves them out.")
    reason = quantity_reason(counts) if one_each else None
    if reason:
        said.append(
            f"These labels look like a quantity, not a class ({reason}): cut them into classes, "
            "or, if the numbers are names of classes, say --task multiclass to a study."
        )
    said += advice(counts)
    if duplicates and duplicates.rows:
        said.append(_about(duplicates))
    return Inspection(
        counts=counts,
        task="multilabel" if counts.known is not None else "binary" if len(counts) == 2 else "multiclass",
        rows=rows,
        unlabelled=unlabelled,
        duplicates=duplicates,
        advice=tuple(said),
        strategy="sqrt" if counts.imbalance_ratio > EXTREME else "inverse",
        source=source,
        target=target,
    )


def _duplicates(X: Any, y: Any, rows: int) -> Duplicates:
    import polars as pl

    features = frame_from(X)
    if features.height != rows:
        raise DataError(f"X has {features.height} rows and y has {rows} labels")
    labels = y if isinstance(y, pl.Series) else pl.Series([str(value) for value in y])
    return find_duplicates(features, labels)


def _about(duplicates: Duplicates) -> str:
    repeating = "row repeats" if duplicates.rows == 1 else "rows repeat"
    text = f"{duplicates.rows:,} {repeating} the features of another row; a study says how it treats them."
    if duplicates.contradicting:
        text += (
            f" {duplicates.contradicting:,} rows share their features with a row of another label: no model can be "
            "right on all of those."
        )
    return text
