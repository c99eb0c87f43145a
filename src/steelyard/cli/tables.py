"""What the commands share: a table from a file, with its special columns found."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from steelyard.api.collections import read_collection
from steelyard.api.prepare import RawTable
from steelyard.cli.progress import CountProgress
from steelyard.data import read_table, split_columns
from steelyard.errors import UsageError
from steelyard.features.media import MediaFeatures


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
