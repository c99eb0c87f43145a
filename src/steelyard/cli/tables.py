"""What the commands share: a table from a file, with its special columns found."""

from __future__ import annotations

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
) -> RawTable:
    """Rows of a file with their labels."""
    frame = read_table(data)
    if target is None:
        raise UsageError(f"name the column to predict with --target; its columns are {', '.join(frame.columns)}")
    parts = split_columns(frame, target, id=id_column, group=group, fold=fold_column)
    return RawTable(
        features=parts.features,
        labels=parts.target,
        groups=parts.groups,
        folds=parts.folds,
        ids=parts.ids,
        path=str(data),
        target=target,
        task=task,
    )
