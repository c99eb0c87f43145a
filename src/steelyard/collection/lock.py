"""One sort at a time on a folder; the lock goes with the process, so none is ever left behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steelyard.collection.names import OWN
from steelyard.errors import DataError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other sorts out of a folder that is there.

    Raises
    ------
    DataError
        When another sort is at work in it.
    """
    handle = _open(folder)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _open(folder: Path) -> int:
        # Windows opens no folders, so a file in it stands for it.
        (folder / OWN).mkdir(exist_ok=True)
        return os.open(folder / OWN / "lock", os.O_RDWR | os.O_CREAT)

    def _lock(handle: int, folder: Path) -> None:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            raise _busy(folder) from None

else:
    import fcntl

    def _open(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY)

    def _lock(handle: int, folder: Path) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(folder) from None
        except OSError:
            # Some network file systems know no locks; the sort itself overwrites nothing.
            return


def _busy(folder: Path) -> DataError:
    return DataError(f"another sort is at work in {folder}: wait until it has ended")
