"""Copying and moving one file so that it is at its new place whole, or not at all, and never over another."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from steelyard.errors import DataError

_CHUNK = 1 << 20
#: No file after this one will fit either.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def digest_of(path: Path) -> bytes:
    """SHA-256 of a file; a link is not followed.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with open(_open_plain(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _open_plain(path: Path) -> int:
    # A link put in place of the file since it was listed could lead anywhere.
    return os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))


def copy_file(source: Path, target: Path, waiting: Path, digest: bytes | None = None, *, synced: bool = True) -> None:
    """Copy a file to a name that is free.

    It is written to ``waiting``, on the disk of the target, and renamed when it is whole. Without ``synced`` the
    caller sees to it that the content reaches the disk.

    Raises
    ------
    FileExistsError
        When the target is there by now.
    DataError
        When its content is no longer the one with the digest.
    OSError
        When it cannot be read or written; nothing is left behind.
    """
    try:
        with open(_open_plain(source), "rb") as content, waiting.open("xb") as copy:
            found = hashlib.sha256()
            while chunk := content.read(_CHUNK):
                found.update(chunk)
                copy.write(chunk)
            copy.flush()
            if synced:
                os.fsync(copy.fileno())
        if digest is not None and found.digest() != digest:
            raise DataError("changed while it was sorted")
        with suppress(OSError):
            shutil.copystat(source, waiting, follow_symlinks=False)
        rename_to_free(waiting, target)
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise


def move_file(source: Path, target: Path, waiting: Path) -> None:
    """Move a file to a name that is free; across disks it is copied, synced, and only then removed.

    Raises
    ------
    FileExistsError
        When the target is there by now.
    OSError
        When it cannot be moved; it is then where it was.
    """
    if source.is_symlink():
        raise OSError(errno.ELOOP, "it is a link now", str(source))
    try:
        rename_to_free(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(source, target, waiting)
        source.unlink()


def rename_to_free(source: Path, target: Path) -> None:
    """Rename in one step, never over a file that is there.

    Raises
    ------
    FileExistsError
        When the target is there.
    """
    if _rename_exclusively(source, target):
        return
    # Without the system's help a foreign program could still step between these two lines; our lock keeps sorts out.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _rename_exclusively(source: Path, target: Path) -> bool:
    """Whether the system did it; where it does not know how, nothing has happened."""
    call = _system_rename()
    if call is None:
        return False
    if call(os.fsencode(source), os.fsencode(target)) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


@cache
def _system_rename() -> Any:
    """Linux: renameat2 with RENAME_NOREPLACE; macOS: renamex_np with RENAME_EXCL; elsewhere None."""
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return lambda old, new: library.renamex_np(old, new, 4)
        here = -100  # AT_FDCWD
        renameat2 = library.renameat2
        return lambda old, new: renameat2(here, old, here, new, 1)
    return None


def sync_folder(folder: Path) -> None:
    """Wait until new names in a folder have reached the disk, where the system can."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
