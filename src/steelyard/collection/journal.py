"""What a sort is about to do, on disk before it does it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from steelyard.collection.names import OWN
from steelyard.collection.transfer import sync_folder
from steelyard.errors import DataError

_PATTERN = "sort-[0-9]*.jsonl"


class Journal:
    """A file of one JSON object per line, for one run; lines are only ever added.

    ``{"run": {...}}`` first, ``{"make": folder}`` before a folder is made, ``{"do": "copy" or "move", "from": path,
    "to": path below the folder, "sha256": ...}`` before each action, ``{"end": true}`` and ``{"undone": true}`` last.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = _read(path)

    @property
    def run(self) -> dict[str, Any]:
        """What the run was: source and mode."""
        found: dict[str, Any] = self.lines[0].get("run", {}) if self.lines else {}
        return found

    def has(self, mark: str) -> bool:
        """Whether it was ended, or undone."""
        return any(mark in line for line in self.lines)

    def __enter__(self) -> Self:
        self.path.parent.mkdir(exist_ok=True)
        new = not self.path.exists()
        # A line that a kill or a full disk cut off must not swallow the next.
        whole = 0 if new else _whole(self.path.read_bytes())
        self._file = self.path.open("ab")
        self._file.truncate(whole)
        if new:
            sync_folder(self.path.parent)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Write lines, and wait until they are on the disk."""
        some = list(lines)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in some)
        self._file.write(text.encode("utf-8"))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines += some


def journals(into: Path) -> list[Journal]:
    """Journals of a folder, the oldest first."""
    return [Journal(path) for path in sorted((into / OWN).glob(_PATTERN))]


def journal_for(into: Path, run: dict[str, Any]) -> Journal:
    """Journal to write to: the last one where that run was cut off and is the same, otherwise a new one."""
    there = journals(into)
    last = there[-1] if there else None
    if last is not None and last.run == run and not last.has("end") and not last.has("undone"):
        return last
    number = int(last.path.stem.removeprefix("sort-")) + 1 if last is not None else 1
    return Journal(into / OWN / f"sort-{number:06}.jsonl")


def _whole(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    content = path.read_bytes()
    lines = []
    for number, line in enumerate(content[: _whole(content)].splitlines(), 1):
        try:
            found = json.loads(line)
        except ValueError:
            raise DataError(f"{path}, line {number}: not a line of a sort's journal; it was changed") from None
        if not isinstance(found, dict):
            raise DataError(f"{path}, line {number}: not a line of a sort's journal; it was changed")
        lines.append(found)
    return lines
