"""Folders of files: walked without ever going round in a circle, one class for each sub-folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from steelyard.errors import DataError, UsageError


@dataclass(frozen=True)
class ClassFolder:
    """A folder with one sub-folder for each class.

    Parameters
    ----------
    root : Path
    files : tuple of Path
        Usable files, by class and then by name; absolute or relative as ``root`` is.
    labels : tuple of str
        Class of each file: the name of the first folder below the root.
    warnings : tuple of str
        Sentences on what was left out.
    """

    root: Path
    files: tuple[Path, ...]
    labels: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Path of each file below the root, with ``/`` on every system."""
        return tuple(path.relative_to(self.root).as_posix() for path in self.files)


def read_class_folder(root: Path | str, wanted: Callable[[Path], bool]) -> ClassFolder:
    r"""Files of a folder with one sub-folder for each class.

    Everything below a class's folder, however deep, belongs to that class. Hidden files and folders are skipped;
    links are followed, but no folder is entered twice.

    Parameters
    ----------
    root : path
    wanted : callable
        Whether a file is of a kind that can be used.

    Returns
    -------
    ClassFolder

    Raises
    ------
    UsageError
        When there is no such folder.
    DataError
        When it has no sub-folder, or none of them holds a usable file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("funny/a.png", "soccer/cup/b.png", "soccer/notes.doc"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(parents=True, exist_ok=True)
    ...         _ = path.write_bytes(b"")
    ...     found = read_class_folder(folder, lambda path: path.suffix == ".png")
    >>> found.names, found.labels
    (('funny/a.png', 'soccer/cup/b.png'), ('funny', 'soccer'))
    """
    root = Path(root)
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}")
    seen = {_identity(root.stat())}
    files: list[Path] = []
    labels: list[str] = []
    warnings: list[str] = []
    others: list[str] = []
    empty: list[str] = []
    loose = 0
    for entry in _entries(root, warnings):
        if not _is_folder(entry):
            loose += int(wanted(Path(entry.path)))
            continue
        found = list(walk(Path(entry.path), warnings, seen))
        usable = [path for path in found if wanted(path)]
        others += [path.relative_to(root).as_posix() for path in found if not wanted(path)]
        if not usable:
            empty.append(entry.name)
        files += usable
        labels += [entry.name] * len(usable)
    if not files and not empty:
        raise DataError(f"{root} has no sub-folders; a collection has one for each class")
    if not files:
        raise DataError(f"{root}: no sub-folder holds an image, a video or a text that can be read")
    if loose:
        warnings.append(f"{_files(loose)} directly in the folder {_have(loose)} no class: left out.")
    if others:
        warnings.append(f"{_files(len(others))} of other kinds {_are(len(others))} left out: {_listed(others)}.")
    if empty:
        warnings.append(f"Folders without a file that can be used are no classes: {_listed(empty)}.")
    return ClassFolder(root, tuple(files), tuple(labels), tuple(warnings))


def walk(
    folder: Path, warnings: list[str], seen: set[tuple[int, int]] | None = None, *, follow: bool = True
) -> Iterator[Path]:
    """Regular files below a folder, sorted by name within each folder; hidden ones are skipped.

    Parameters
    ----------
    folder : Path
    warnings : list of str
        Sentences on folders that cannot be read, and on links that were not followed, are added to it.
    seen : set, optional
        Folders that were entered, as (device, inode); a folder in it is not entered again.
    follow : bool, default True
        Whether links are followed; where not, they are skipped in silence.
    """
    seen = set() if seen is None else seen
    try:
        here = _identity(folder.stat())
    except OSError as error:
        warnings.append(f"{folder} cannot be read: {error.strerror}.")
        return
    if here in seen:
        warnings.append(f"{folder} leads to a folder that was read already: it is skipped.")
        return
    seen.add(here)
    for entry in _entries(folder, warnings):
        if entry.is_symlink() and not follow:
            continue
        if _is_folder(entry):
            yield from walk(Path(entry.path), warnings, seen, follow=follow)
        elif _is_regular(entry):
            yield Path(entry.path)


def _entries(folder: Path, warnings: list[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        warnings.append(f"{folder} cannot be read: {error.strerror}.")
        return []
    # Names that are no UTF-8 cannot be written into a table or a report.
    odd = [entry for entry in found if not _is_utf8(entry.name)]
    if odd:
        shown = _listed([os.fsencode(entry.name).decode("utf-8", "replace") for entry in odd])
        warnings.append(f"Names in {folder} that are not valid UTF-8: {shown}; they are skipped.")
    return sorted((entry for entry in found if _is_utf8(entry.name)), key=lambda entry: entry.name)


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself.
        return False


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        # Reading a pipe or a device would wait for ever.
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return False


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _files(n: int) -> str:
    return f"{n} file{'s' * (n != 1)}"


def _have(n: int) -> str:
    return "has" if n == 1 else "have"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
