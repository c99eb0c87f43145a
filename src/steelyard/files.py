"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steelyard.errors import OutputExistsError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Path of a new file that takes the place of ``path`` when the block ends without an error.

    The new file lies in the same folder, is synced, and is renamed in one step.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Opened and not made by tempfile: its permissions are those the user's umask asks for.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with _named(path, temporary):
        try:
            temporary.touch()
            yield temporary
            sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def replacing_folder(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Path of a new folder that takes the place of ``path`` when the block ends without an error.

    Raises
    ------
    OutputExistsError
        When ``path`` is there and ``force`` is not given.
    """
    if path.exists() and not force:
        raise OutputExistsError(f"{path} is there already; name another folder or use --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with _named(path, temporary):
            temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                sync(file)
        if path.exists():
            # A folder cannot be renamed onto one with files in it, so the old one steps aside first.
            old = path.with_name(f".{path.name}.{os.getpid()}.old")
            path.replace(old)
            temporary.replace(path)
            shutil.rmtree(old)
        else:
            temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _named(path: Path, temporary: Path) -> Iterator[None]:
    """Errors about the temporary name, told with the one the user knows."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and Path(error.filename) == temporary:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def sync(path: Path) -> None:
    """Wait until a file's contents have reached the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
