"""``steelyard sort``: unsorted files into class folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from steelyard.cli.progress import CountProgress, say
from steelyard.errors import UsageError


def sort(
    model: Path,
    folder: Path,
    /,
    *,
    into: Path | None = None,
    move: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    min_confidence: float = 0.0,
    undo: Annotated[bool, Parameter(negative="")] = False,
    jobs: int = -1,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Sort files into class folders: copies them, overwrites nothing, can be undone.

    Example: steelyard sort study/ unsorted/ --into collection/ --min-confidence 0.6

    Parameters
    ----------
    model
        A study's folder or a model directory, trained on a folder of files.
    folder
        Files to sort, at any depth; hidden ones and links are left alone.
    into
        Folder that holds the class folders; by default the folder of the files.
    move
        Move the files instead of copying them.
    dry_run
        Only say what would be done.
    min_confidence
        Files whose label has a lower probability go to the folder _unsure.
    undo
        Take back the last sort into the folder instead.
    jobs
        Processes that describe files; -1 is one for each processor.
    json_
        Print JSON on stdout.
    """
    into = folder if into is None else into
    if undo:
        if move or dry_run:
            raise UsageError("--undo takes back the last sort by itself: leave out --move and --dry-run")
        return _undo(into, json_)

    from steelyard.api.sorting import SortOptions, sort_files
    from steelyard.api.study import processes
    from steelyard.artifact import load_model

    options = SortOptions(move, dry_run, min_confidence, processes(jobs))
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    trained = load_model(model)
    with CountProgress("describing files") as progress:
        record = sort_files(trained, folder, into, options, progress=progress)
    for warning in record["warnings"]:
        say(f"note: {warning}")
    _name("cannot be read and stays where it is", record["unreadable"])
    _name("could not be sorted", record["failed"])
    if json_:
        print(json.dumps(record, ensure_ascii=False))
    else:
        _show(record)
    if record["full_disk"]:
        say("error: the disk is full; make room, and the same command goes on where it stopped")
    return 1 if record["failed"] else 0


def _undo(into: Path, as_json: bool) -> int:
    from steelyard.collection import locked, undo_last

    if not into.is_dir():
        raise UsageError(f"there is no folder {into}")
    with locked(into):
        undone = undo_last(into)
    _name("was left", [{"file": name, "reason": reason} for name, reason in undone.left])
    if as_json:
        left = [{"file": name, "reason": reason} for name, reason in undone.left]
        print(json.dumps({"removed": undone.removed, "returned": undone.returned, "left": left}, ensure_ascii=False))
    else:
        print(f"{undone.removed} copies removed, {undone.returned} files returned, {len(undone.left)} left")
    return 1 if undone.left else 0


def _name(what: str, problems: list[dict[str, str]], most: int = 10) -> None:
    for problem in problems[:most]:
        say(f"note: {problem['file']} {what}: {problem['reason']}")
    if len(problems) > most:
        say(f"note: and {len(problems) - most} more files like these (--json names all)")


def _show(record: dict[str, Any]) -> None:
    folders = record["folders"]
    width = max([len("folder"), *(len(entry["folder"]) for entry in folders)])
    print(f"{'folder':{width}}  {'files':>7}  {'confidence':>10}")
    for entry in folders:
        there = f"  ({entry['already_there']} already there)" if entry["already_there"] else ""
        print(f"{entry['folder']:{width}}  {entry['files']:7}  {entry['confidence']:10.2f}{there}")
    n_done = sum(file["outcome"] in ("done", "planned") for file in record["files"])
    verb = {"copy": "copied", "move": "moved"}[record["mode"]]
    said = f"{n_done} files {'would be ' if record['dry_run'] else ''}{verb} into {record['into']}"
    set_apart = [
        (len(record["unreadable"]), "cannot be read"),
        (len(record["failed"]), "could not be sorted"),
    ]
    print("; ".join([f"\n{said}", *(f"{n} {what}" for n, what in set_apart if n)]))
