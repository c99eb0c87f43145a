"""Carrying out a plan: the journal first, then the files, a batch at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from steelyard.collection.journal import Journal, journal_for, journals
from steelyard.collection.names import OWN
from steelyard.collection.plan import Placement
from steelyard.collection.transfer import FULL, copy_file, digest_of, move_file, sync_folder
from steelyard.errors import DataError
from steelyard.files import sync

#: Actions that are written to the journal, and synced, at once.
_BATCH = 256
DONE, FULL_DISK = "done", "the disk is full"


@dataclass(frozen=True)
class Carried:
    """What became of a plan.

    Parameters
    ----------
    placements : tuple of Placement
        With their outcomes: ``"done"``, ``"already there"``, or why it failed.
    full : bool
        Whether it was stopped because the disk is full; the rest then has the outcome ``"the disk is full"``.
    """

    placements: tuple[Placement, ...]
    full: bool = False


def carry_out(placements: Sequence[Placement], source: Path, into: Path, *, move: bool) -> Carried:
    """Copy or move files to their places.

    Every action is on disk in a journal before it is done, so that whatever stops the run, ``undo_last`` can take
    it back, and the same command goes on. Hold the locks of both folders.

    Parameters
    ----------
    placements : sequence of Placement
        With names.
    source, into : Path
        Folder the files come from, and folder that holds the class folders.
    move : bool
        Move instead of copy.
    """
    own = into / OWN
    if own.is_symlink():
        raise DataError(f"{own} is a link; remove it")
    own.mkdir(parents=True, exist_ok=True)
    for left in own.glob("*.partial"):
        left.unlink()
    run = {"source": str(source.resolve()), "mode": "move" if move else "copy"}
    _finish_moves(into)
    if all(placement.outcome for placement in placements):
        # A run that does nothing must not be the one that an undo takes back.
        return Carried(tuple(placements))
    with journal_for(into, run) as journal:
        if not journal.lines:
            journal.add([{"run": run}])
        outcomes = _Outcomes(placements, into, journal, move)
        outcomes.go()
        if not outcomes.full:
            journal.add([{"end": True}])
    return Carried(tuple(outcomes.found), outcomes.full)


def _finish_moves(into: Path) -> None:
    """Remove the sources of moves between disks that were cut off when the copy was whole already."""
    for journal in journals(into)[-1:]:
        if journal.has("end") or journal.has("undone"):
            continue
        for line in journal.lines:
            if line.get("do") == "move":
                old, new = Path(line["from"]), into / line["to"]
                if _is_file(old) and _is_file(new) and old.stat().st_dev != new.stat().st_dev:
                    same = digest_of(old) == digest_of(new) == bytes.fromhex(line["sha256"])
                    if same:
                        old.unlink()


def _sync_there(path: Path) -> None:
    # Whoever has taken it away meanwhile has what there is to have.
    with suppress(FileNotFoundError):
        sync(path)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


class _Outcomes:
    """The placements, one after the other."""

    def __init__(self, placements: Sequence[Placement], into: Path, journal: Journal, move: bool) -> None:
        self.todo, self.into, self.journal, self.move = placements, into, journal, move
        self.found: list[Placement] = []
        self.full = False
        self._folders: dict[str, str] = {}
        self._fresh: list[Path] = []
        self._waiting = into / OWN / f"{os.getpid()}.partial"

    def go(self) -> None:
        for start in range(0, len(self.todo), _BATCH):
            batch = self.todo[start : start + _BATCH]
            if not self.full:
                self._write_ahead(batch)
            for placement in batch:
                outcome = placement.outcome or (FULL_DISK if self.full else self._act(placement))
                self.found.append(replace(placement, outcome=outcome))
            self._sync()

    def _sync(self) -> None:
        # Many at once: the file system writes its own journal once for all of them.
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(_sync_there, self._fresh))
        self._fresh.clear()

    def _write_ahead(self, batch: Sequence[Placement]) -> None:
        lines: list[dict[str, Any]] = []
        for placement in batch:
            if placement.outcome:
                continue
            if placement.folder not in self._folders:
                self._folders[placement.folder] = ""
                if not (self.into / placement.folder).exists():
                    lines.append({"make": placement.folder})
            lines.append(
                {
                    "do": "move" if self.move else "copy",
                    "from": str(placement.source.absolute()),
                    "to": f"{placement.folder}/{placement.name}",
                    "sha256": placement.digest.hex(),
                }
            )
        try:
            if lines:
                self.journal.add(lines)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.full = True

    def _act(self, placement: Placement) -> str:
        folder = self.into / placement.folder
        target = folder / placement.name
        try:
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                sync_folder(self.into)
            if folder.is_symlink():
                return f"{folder} is a link, and links are not followed out of the folder"
            if self.move:
                move_file(placement.source, target, self._waiting)
            else:
                copy_file(placement.source, target, self._waiting, placement.digest, synced=False)
                self._fresh.append(target)
        except DataError as error:
            return str(error)
        except OSError as error:
            if error.errno in FULL:
                self.full = True
                return FULL_DISK
            return error.strerror or str(error)
        return DONE
