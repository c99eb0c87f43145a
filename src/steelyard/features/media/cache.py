"""Numbers of files that were described before, on disk by the content of the file."""

from __future__ import annotations

import os
import sqlite3
import struct
import sys
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from steelyard.features.media.fingerprint import SIZE

#: Longest list of parameters that every build of SQLite takes.
_AT_ONCE = 500
_SCHEMA = """
CREATE TABLE IF NOT EXISTS features (
    digest BLOB NOT NULL, extractor TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (digest, extractor)
) WITHOUT ROWID
"""


class Described(NamedTuple):
    """Numbers of a file, and what it looks like to a search for copies."""

    values: NDArray[np.float32]
    fingerprint: bytes


def cache_folder() -> Path:
    """Folder for what can be made again: ``$STEELYARD_CACHE``, else the system's place for caches."""
    given = os.environ.get("STEELYARD_CACHE")
    if given:
        return Path(given)
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "steelyard"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "steelyard" / "Cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "steelyard"


class FeatureCache:
    """SQLite file of described files; whatever is wrong with it, it is only a cache.

    A damaged file is removed and begun anew, a damaged entry is as good as none, and a folder that cannot be
    written means that nothing is kept.

    Parameters
    ----------
    folder : Path, optional
        By default :func:`cache_folder`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, FeatureCache(Path(folder)) as cache:
    ...     cache.put("image.v1", {b"digest": Described(np.ones(2, dtype=np.float32), bytes(80))})
    ...     cache.get("image.v1", [b"digest", b"other"])[b"digest"].values
    array([1., 1.], dtype=float32)
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder()) / "features.sqlite"
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except sqlite3.OperationalError:
            self._db = None
        except sqlite3.DatabaseError:
            self._begin_anew()
        except OSError:
            self._db = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _open(self) -> None:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        self._db = db

    def _begin_anew(self) -> None:
        self.__exit__()
        with suppress(OSError, sqlite3.Error):
            for ending in ("", "-wal", "-shm"):
                Path(f"{self.path}{ending}").unlink(missing_ok=True)
            self._open()

    def get(self, extractor: str, digests: Sequence[bytes]) -> dict[bytes, Described]:
        """What is known of the files with these digests."""
        found: dict[bytes, Described] = {}
        if self._db is None:
            return found
        try:
            for start in range(0, len(digests), _AT_ONCE):
                some = digests[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT digest, value FROM features WHERE extractor = ? AND digest IN ({marks})"
                for digest, value in self._db.execute(query, (extractor, *some)):
                    known = _unpack(value)
                    if known is not None:
                        found[digest] = known
        except sqlite3.OperationalError:
            return found
        except sqlite3.DatabaseError:
            self._begin_anew()
        return found

    def put(self, extractor: str, described: dict[bytes, Described]) -> None:
        """Keep the numbers of some files, all or none of them."""
        if self._db is None or not described:
            return
        rows = ((digest, extractor, _pack(known)) for digest, known in described.items())
        try:
            self._insert(rows)
        except sqlite3.OperationalError:
            # A full disk or a reader that will not let go: go on without.
            self.__exit__()
        except sqlite3.DatabaseError:
            self._begin_anew()

    def _insert(self, rows: Iterable[tuple[bytes, str, bytes]]) -> None:
        assert self._db is not None
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise


def _pack(known: Described) -> bytes:
    body = known.fingerprint + known.values.astype("<f4").tobytes()
    return struct.pack("<I", zlib.crc32(body)) + body


def _unpack(value: object) -> Described | None:
    if not isinstance(value, bytes) or len(value) < 4 + SIZE or (len(value) - 4 - SIZE) % 4:
        return None
    body = value[4:]
    if struct.unpack("<I", value[:4])[0] != zlib.crc32(body):
        return None
    return Described(np.frombuffer(body, dtype="<f4", offset=SIZE).astype(np.float32), body[:SIZE])
