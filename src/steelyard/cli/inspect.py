"""``steelyard inspect``: what there is to learn from, before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from steelyard.errors import DataError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from steelyard.inspection import Inspection


def inspect(
    data: Path,
    /,
    *,
    target: str | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Show the classes of a data set, what weights would do, and what to mind.

    Nothing is trained. Without --target it says which columns look like the one to predict.

    Example: steelyard inspect patients.csv --target diagnosis

    Parameters
    ----------
    data
        Table (.csv, .tsv, .parquet or .jsonl), or a folder with one sub-folder for each class.
    target
        Column with the labels.
    json_
        Print everything as JSON on stdout.
    """
    if data.is_dir():
        if target is not None:
            raise UsageError(f"{data} is a folder, whose sub-folders are the classes: leave out --target")
        _show(_folder(data), json_)
        return 0

    from steelyard.data import read_table
    from steelyard.inspection import inspect_data, target_candidates

    frame = read_table(data)
    if target is None:
        from steelyard.cli.inspect_text import candidates_text

        found = target_candidates(frame)
        if json_:
            columns = [candidate.__dict__ for candidate in found]
            print(json.dumps({"path": str(data), "rows": frame.height, "candidates": columns}, ensure_ascii=False))
        else:
            print(candidates_text(data, frame.columns, found))
        return 0
    if target not in frame.columns:
        raise UnknownNameError("column", target, frame.columns)
    _show(inspect_data(frame.drop(target), frame[target], source=str(data), target=target), json_)
    return 0


def _folder(data: Path) -> Inspection:
    from steelyard.inspection import inspect_data

    classes = sorted(entry for entry in data.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise DataError(f"{data} has no sub-folders; a folder of data has one for each class, with its files in it")
    counts = {
        folder.name: sum(1 for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
        for folder in classes
    }
    if not any(counts.values()):
        raise DataError(f"{data}: its sub-folders hold no files")
    return inspect_data(y=counts, source=str(data), target="the name of the sub-folder")


def _show(found: Inspection, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    from steelyard.cli.inspect_text import print_inspection

    print_inspection(found)
