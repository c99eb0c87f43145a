"""Trials of grid and random searches in a file, so that a killed study goes on where it was."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from steelyard.errors import ArtifactError
from steelyard.study.tuning.methods import Trial

_SCHEMA = """
CREATE TABLE IF NOT EXISTS listed_trials (
    search TEXT NOT NULL, number INTEGER NOT NULL, trial TEXT NOT NULL, PRIMARY KEY (search, number)
);
"""


class Journal:
    """Trials of one search in an SQLite file; each is there for good once it is added.

    Parameters
    ----------
    path : Path
        The file; several processes may write to it.
    search : str
        Name of the search.
    """

    def __init__(self, path: Path, search: str) -> None:
        self.path, self.search = path, search
        with self._open() as db:
            # Committed trials survive a kill; a power cut may cost the last ones, which are then tried again.
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    def trials(self) -> list[Trial]:
        """Trials so far, in order."""
        with self._open() as db:
            rows = db.execute(
                "SELECT number, trial FROM listed_trials WHERE search = ? ORDER BY number", (self.search,)
            ).fetchall()
        found = [json.loads(text) for place, (number, text) in enumerate(rows) if number == place]
        return [Trial(entry["values"], tuple(entry["steps"]), entry["pruned"], entry["seconds"]) for entry in found]

    def add(self, number: int, trial: Trial) -> None:
        """Write a trial down."""
        entry = {"values": trial.values, "steps": trial.steps, "pruned": trial.pruned, "seconds": trial.seconds}
        with self._open() as db:
            db.execute(
                "INSERT OR REPLACE INTO listed_trials VALUES (?, ?, ?)", (self.search, number, json.dumps(entry))
            )

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, isolation_level=None, timeout=60)) as db:
                db.execute("PRAGMA synchronous=NORMAL")
                yield db
        except sqlite3.OperationalError as error:
            raise OSError(f"{self.path} cannot be written: {error}; mend it and go on with --resume") from None
        except sqlite3.DatabaseError as error:
            raise ArtifactError(f"{self.path} does not hold searches ({error}); remove it to start again") from None
