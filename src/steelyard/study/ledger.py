"""The ledger: a row for each finished cell, so that a killed study goes on where it was."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from steelyard.engine import EngineData, FitOutcome, FitPlan
from steelyard.errors import ArtifactError
from steelyard.study.environment import library_versions
from steelyard.study.plan import StudyArm

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fits (
    training TEXT NOT NULL, repeat INTEGER NOT NULL, fold INTEGER NOT NULL,
    seconds REAL NOT NULL, rows INTEGER NOT NULL, classes INTEGER NOT NULL, scores BLOB NOT NULL,
    PRIMARY KEY (training, repeat, fold)
);
CREATE TABLE IF NOT EXISTS cells (
    arm TEXT NOT NULL, repeat INTEGER NOT NULL, fold INTEGER NOT NULL, training TEXT NOT NULL,
    PRIMARY KEY (arm, repeat, fold)
);
"""


def fingerprint(data: EngineData) -> str:
    """Digest of everything the scores of a fit depend on, beside its training.

    Two studies with the same fingerprint and training have the same scores.
    """
    digest = hashlib.sha256()
    counted = [part for block in data.matrix.text for part in (block.indptr, block.indices, block.data)]
    if (others := data.unlabelled) is not None:
        counted += [others.matrix.numeric, others.matrix.codes, others.folds]
        counted += [part for block in others.matrix.text for part in (block.indptr, block.indices, block.data)]
    for array in (data.matrix.numeric, data.matrix.codes, data.codes, data.folds, *counted):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr((data.classes, data.seed, library_versions())).encode())
    return digest.hexdigest()


class Ledger:
    """SQLite file in write-ahead mode: what has been committed survives a kill.

    Parameters
    ----------
    path : Path
        The file; made when it is not there.
    data : EngineData
        Rows of the study. A ledger of other rows, folds or seed is refused.

    Raises
    ------
    ArtifactError
        When the file is not a ledger, or belongs to another study.
    """

    def __init__(self, path: Path, data: EngineData) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            # A kill loses nothing that is committed, and a loss of power the last cells only, never the file: waiting
            # for the disk after each cell would take longer than many a fit.
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            mark = fingerprint(data)
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('fingerprint', ?)", (mark,))
            (found,) = self._db.execute("SELECT value FROM meta WHERE key = 'fingerprint'").fetchone()
        except sqlite3.OperationalError as error:
            raise OSError(f"{path} cannot be written: {error}") from None
        except sqlite3.DatabaseError as error:
            raise ArtifactError(f"{path} is not a ledger of a study ({error}); remove it to start again") from None
        if found != mark:
            self._db.close()
            raise ArtifactError(
                f"{path} belongs to a study of other rows, folds, seed or library versions; "
                "give another --out, or --force to start again"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def record(self, outcome: FitOutcome, arms: list[StudyArm]) -> None:
        """Write a finished fit and the cells of the arms that are finished with it, all or nothing."""
        plan, proba = outcome.plan, outcome.proba
        where = (plan.repeat, plan.fold)
        try:
            with self._transaction():
                self._db.execute(
                    "INSERT OR REPLACE INTO fits VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (str(plan.training), *where, outcome.seconds, *proba.shape, proba.astype("<f4").tobytes()),
                )
                self._db.executemany(
                    "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?)",
                    [(arm.id, *where, str(plan.training)) for arm in arms],
                )
        except sqlite3.OperationalError as error:
            # Not the study's fault, so what is finished stays: a full disk, a folder that went away.
            raise OSError(f"{self.path} cannot be written: {error}; mend it and go on with --resume") from None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # SQLite may have rolled back by itself, as it does where the disk is full.
            with contextlib.suppress(sqlite3.OperationalError):
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def lookup(self, plan: FitPlan) -> FitOutcome | None:
        """Outcome of a plan that was finished earlier."""
        row = self._db.execute(
            "SELECT seconds, rows, classes, scores FROM fits WHERE training = ? AND repeat = ? AND fold = ?",
            (str(plan.training), plan.repeat, plan.fold),
        ).fetchone()
        if row is None:
            return None
        seconds, rows, classes, blob = row
        return FitOutcome(plan, np.frombuffer(blob, dtype="<f4").reshape(rows, classes), seconds)
