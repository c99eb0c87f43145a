"""Taking back the last sort of a folder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steelyard.collection.journal import journals
from steelyard.collection.names import OWN
from steelyard.collection.transfer import digest_of, move_file
from steelyard.errors import DataError


@dataclass(frozen=True)
class Undone:
    """What was taken back.

    Parameters
    ----------
    mode : str
        ``"copy"`` or ``"move"``.
    removed, returned : int
        Copies removed, and files brought back to where they came from.
    left : tuple of (str, str)
        Files that were left where they are, and why.
    """

    mode: str
    removed: int
    returned: int
    left: tuple[tuple[str, str], ...]


def undo_last(into: Path) -> Undone:
    """Take back the last run that was not undone yet; what was changed since then is left and named.

    A copy is removed only while its original is there with the same content; otherwise it goes to where the original
    was. A folder that the run made is removed when it is empty. Can be run again when it was cut off.

    Raises
    ------
    DataError
        When there is no run to undo.
    """
    runs = [journal for journal in journals(into) if journal.lines and not journal.has("undone")]
    if not runs:
        raise DataError(f"there is no sort to undo in {into}")
    journal = runs[-1]
    for left in (into / OWN).glob("*.partial"):
        left.unlink()
    counts = {"removed": 0, "returned": 0}
    kept: list[tuple[str, str]] = []
    for line in reversed(journal.lines):
        if "do" not in line:
            continue
        try:
            done = _take_back(line, into)
        except OSError as error:
            done = error.strerror or str(error)
        if done in counts:
            counts[done] += 1
        elif done:
            kept.append((line["to"], done))
    for line in reversed(journal.lines):
        if "make" in line and _inside(into, line["make"]).is_dir():
            # It stays while anything is in it.
            with suppress(OSError):
                _inside(into, line["make"]).rmdir()
    with journal:
        journal.add([{"undone": True}])
    return Undone(str(journal.run.get("mode", "copy")), counts["removed"], counts["returned"], tuple(kept))


def _inside(into: Path, name: str) -> Path:
    # The journal is a file like any other: what it names must lie in the folder all the same.
    parts = Path(name).parts
    if not parts or ".." in parts or Path(name).is_absolute() or (into / parts[0]).is_symlink():
        raise DataError(f"the journal names {name!r}, which is not in {into}; it was changed")
    return into / name


def _take_back(line: dict[str, Any], into: Path) -> str:
    """``"removed"``, ``"returned"``, nothing where there was nothing to do, or why it was left."""
    target, source = _inside(into, line["to"]), Path(line["from"])
    if not target.is_file() or target.is_symlink():
        # Never carried out, or taken back already, unless both are gone.
        return "" if source.exists() else "it is neither here nor where it came from"
    original = source.is_file() and not source.is_symlink()
    same = digest_of(target).hex() == line["sha256"]
    if original and same and digest_of(source).hex() == line["sha256"] and not target.samefile(source):
        target.unlink()
        return "removed"
    if original or source.is_symlink() or source.exists():
        return "it was changed since" if not same else f"another file is at {source} now"
    if line["do"] == "copy" and not same:
        return "it was changed since"
    source.parent.mkdir(parents=True, exist_ok=True)
    move_file(target, source, into / OWN / "undo.partial")
    return "returned"
