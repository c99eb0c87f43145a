"""What the commands share: a table from a file, with its special columns found."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from steelyard.api.prepare import RawTable
from steelyard.data import read_table, split_columns
from steelyard.errors import UsageError


def labelled_table(
    data: Path,
    target: str | None,
    *,
    id_column: str | None = None,
    group: str | None = None,
    fold_column: str | None = None,
    task: str | None = None,
    label_separator: str | None = None,
) -> RawTable:
    """Rows of a file with their labels; ``target`` names a column, or a column for each label."""
    frame = read_table(data)
    if target is None:
        raise UsageError(f"name the column to predict with --target; its columns are {', '.join(frame.columns)}")
    columns = target_columns(target, frame.columns)
    if len(columns) > 1 and label_separator is not None:
        raise UsageError("--label-separator is for one column of labels, and --target names several")
    named = columns[0] if len(columns) == 1 else columns
    parts = split_columns(frame, named, id=id_column, group=group, fold=fold_column)
    return RawTable(
        features=parts.features,
        labels=parts.target,
        groups=parts.groups,
        folds=parts.folds,
        ids=parts.ids,
        path=str(data),
        target=target,
        task=task,
        label_separator=label_separator,
    )


def target_columns(target: str, columns: Sequence[str]) -> list[str]:
    """Columns that ``--target`` names: one, or several separated by commas.

    Examples
    --------
    >>> target_columns("joy, love", ["text", "joy", "love"]), target_columns("a,b", ["a,b", "c"])
    (['joy', 'love'], ['a,b'])
    """
    if target in columns or "," not in target:
        return [target]
    # A name that holds a comma can be quoted, as in the file itself.
    return [name.strip() for name in next(csv.reader([target], skipinitialspace=True)) if name.strip()] or [target]
