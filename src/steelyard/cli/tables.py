"""What the commands share: a table from a file, with its special columns found."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.api.collections import describe, read_collection, unsorted_files
from steelyard.api.prepare import RawTable
from steelyard.api.study import processes
from steelyard.artifact import TrainedModel
from steelyard.cli.progress import CountProgress, say
from steelyard.data import read_table, split_columns
from steelyard.errors import DataError, UsageError
from steelyard.features.media import MediaFeatures

if TYPE_CHECKING:
    import polars as pl


def labelled_table(
    data: Path,
    target: str | None,
    *,
    id_column: str | None = None,
    group: str | None = None,
    fold_column: str | None = None,
    task: str | None = None,
    label_separator: str | None = None,
    encoder: str | None = None,
    media: MediaFeatures | None = None,
    duplicates: str | None = None,
    jobs: int = 1,
) -> RawTable:
    """Rows of a file with their labels; ``target`` names a column, or a column for each label.

    Of a folder with one sub-folder for each class, its files.
    """
    if data.is_dir():
        options = {"--target": target, "--id": id_column, "--group": group, "--fold-column": fold_column}
        options["--label-separator"] = label_separator
        given = next((name for name, value in options.items() if value is not None), None)
        if given:
            raise UsageError(f"{given} names a column of a table, and {data} is a folder: leave it out")
        with CountProgress("describing files") as progress:
            return read_collection(
                data, encoder=encoder, media=media, duplicates=duplicates, n_jobs=jobs, progress=progress
            )
    if encoder is not None or media is not None:
        raise UsageError(f"a collection is a folder with one sub-folder for each class, and {data} is not a folder")
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


def unlabelled_rows(trained: TrainedModel, data: Path) -> tuple[pl.DataFrame, list[str] | None]:
    """Rows to predict, and the name of each where they are files; files that cannot be read are named on stderr."""
    if trained.media is None:
        return read_table(data), None
    warnings: list[str] = []
    files = unsorted_files(data, warnings) if data.is_dir() else [data]
    if not data.exists():
        raise UsageError(f"there is no file or folder {data}")
    found = describe(files, trained.media, n_jobs=processes(-1))
    warnings += [f"{path} cannot be read and is left out: {reason}" for path, reason in found.problems]
    for warning in warnings:
        say(f"note: {warning}")
    if not found.files:
        raise DataError(f"{data} holds no file that can be read")
    root = data if data.is_dir() else data.parent
    return found.frame(), [path.relative_to(root).as_posix() for path in found.files]
