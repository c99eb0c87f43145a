"""Where each file goes: decided before anything is touched, with names that are free."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from steelyard.collection.names import name_key, numbered
from steelyard.collection.transfer import digest_of


@dataclass(frozen=True)
class Placement:
    """A file and where it goes.

    Parameters
    ----------
    source : Path
    folder : str
        Name of the folder, below the one that is sorted into.
    label : str
    confidence : float
        Probability of the label.
    digest : bytes
        SHA-256 of the content that the label was found for.
    name : str
        File name in the folder; empty until it is decided.
    outcome : str
        ``""`` where there is something to do, ``"already there"``, or why it cannot be done.
    """

    source: Path
    folder: str
    label: str
    confidence: float
    digest: bytes
    name: str = ""
    outcome: str = ""


class FreeNames:
    """Names that are taken in the class folders, kept up to date while files are placed."""

    def __init__(self, into: Path) -> None:
        self.into = into
        self._taken: dict[str, dict[str, Path]] = {}
        self._digests: dict[Path, bytes] = {}

    def find(self, placement: Placement) -> tuple[str, str]:
        """Name for a file and its outcome: nothing where it can go there, ``"already there"`` or a failure."""
        try:
            taken = self._names(placement.folder)
        except OSError as error:
            return "", error.strerror or str(error)
        number = 1
        while True:
            name = numbered(placement.source.name, number)
            there = taken.get(name_key(name))
            if there is None:
                taken[name_key(name)] = placement.source
                return name, ""
            if self._same(there, placement):
                return there.name, "already there"
            number += 1

    def _names(self, folder: str) -> dict[str, Path]:
        if folder not in self._taken:
            path = self.into / folder
            if path.is_symlink():
                raise OSError(0, f"{path} is a link, and links are not followed out of the folder")
            try:
                with os.scandir(path) as entries:
                    self._taken[folder] = {name_key(entry.name): Path(entry.path) for entry in entries}
            except FileNotFoundError:
                self._taken[folder] = {}
        return self._taken[folder]

    def _same(self, there: Path, placement: Placement) -> bool:
        if there == placement.source:
            return True
        try:
            if there.is_symlink() or there.stat().st_size != placement.source.stat().st_size:
                return False
            if there not in self._digests:
                self._digests[there] = digest_of(there)
        except OSError:
            return False
        return self._digests[there] == placement.digest


def place_files(placements: Iterable[Placement], into: Path) -> list[Placement]:
    """Placements with a name that is free for each file, or with the reason why there is nothing to do.

    A file whose content is at its place already is left alone; another file of that name, in any case, gives the
    new one a number.

    Parameters
    ----------
    placements : iterable of Placement
        Without names.
    into : Path
        Folder that holds the class folders; need not be there.
    """
    names = FreeNames(into)
    made = []
    for placement in placements:
        name, outcome = names.find(placement)
        made.append(
            Placement(
                placement.source,
                placement.folder,
                placement.label,
                placement.confidence,
                placement.digest,
                name,
                outcome,
            )
        )
    return made
