"""The folder of a study: what may be in it, what is set aside while a new study takes its place."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steelyard.errors import OutputExistsError, UsageError

#: Where the files of an earlier study wait until the one that replaces it has succeeded.
PREVIOUS = ".previous"
#: What a study's folder may hold; a folder with anything else is never touched.
OWN_FILES = frozenset(
    {
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "ledger.sqlite-shm",
        "tuning.sqlite",
        "tuning.sqlite-journal",
        "tuning.sqlite-wal",
        "tuning.sqlite-shm",
        "study.json",
        "predictions.parquet",
        "model",
        "report.html",
    }
)


def _is_leftover(name: str) -> bool:
    # Temporary names of our own writers, which a kill can leave behind.
    return name.startswith(".") and name.endswith((".partial", ".old"))


def check_folder(out: Path, *, resume: bool, force: bool) -> None:
    """Refuse a folder that must not be written.

    Raises
    ------
    OutputExistsError
        When it is a file, holds other files, or holds a study that is neither to be resumed nor replaced.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputExistsError(f"--out {out} is a file; name a folder")
    names = [entry.name for entry in out.iterdir()]
    foreign = sorted(name for name in names if name not in OWN_FILES | {PREVIOUS} and not _is_leftover(name))
    if foreign:
        raise OutputExistsError(f"--out {out} holds other files ({', '.join(foreign[:3])}); name another folder")
    if OWN_FILES.intersection(names) and not resume and not force:
        raise OutputExistsError(f"--out {out} holds a study already; use --resume, --force or another folder")


def finished_record(out: Path) -> dict[str, Any] | None:
    """Contents of ``study.json`` when the folder holds a finished study; one that ran out of time is not."""
    with contextlib.suppress(OSError, UnicodeDecodeError, json.JSONDecodeError):
        record = json.loads((out / "study.json").read_text(encoding="utf-8"))
        whole = isinstance(record, dict) and {"arms", "verdict", "metric", "data", "baseline"} <= record.keys()
        if whole and record.get("complete", True):
            found: dict[str, Any] = record
            return found
    return None


def check_same_study(record: dict[str, Any], asked: dict[str, Any], arms: set[str], out: Path) -> None:
    """Refuse to pass off a finished study as the one that was asked for.

    Parameters
    ----------
    record : dict
        What ``study.json`` holds.
    asked : dict
        Options of the command line by name.
    arms : set of str
        Ids of the arms that were asked for.
    out : Path

    Raises
    ------
    UsageError
        When they differ; the first difference is named.
    """
    data = record["data"]
    tuned: dict[str, Any] = next((arm["tuning"] for arm in record["arms"] if "tuning" in arm), {})
    found = {
        "DATA": data.get("path"),
        "--target": data.get("target"),
        "--metric": str(record["metric"]).partition("(")[0],
        "--seed": record.get("seed"),
        "--repeats": record.get("repeats"),
        "--tune": tuned.get("method"),
        "--trials": tuned.get("most_trials"),
    }
    for name, value in found.items():
        wanted = str(asked[name]).partition("(")[0] if name == "--metric" else asked[name]
        if value != wanted:
            raise UsageError(
                f"--out {out} holds a finished study with {name} {value}, not {wanted}; "
                "use --force to replace it or another folder"
            )
    # What was left out is said as "arm: reason".
    known = {arm["id"] for arm in record["arms"]} | {text.partition(": ")[0] for text in record.get("left_out", ())}
    other = sorted(arms ^ known)
    if other:
        raise UsageError(
            f"--out {out} holds a finished study of other arms (such as {other[0]}); "
            "use --force to replace it or another folder"
        )


@contextlib.contextmanager
def study_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """Folder to write a study to; an earlier study in it comes back when the block ends with an error.

    A folder that was not there before is removed again, unless there are finished fits in it: what is done is kept,
    to be resumed once the cause is mended.
    """
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    if force:
        _move_all(out, out / PREVIOUS)
    try:
        yield out
    except Exception:
        if made and _holds_no_fit(out):
            shutil.rmtree(out, ignore_errors=True)
        elif (out / PREVIOUS).is_dir():
            _remove_own(out)
            _move_all(out / PREVIOUS, out)
            (out / PREVIOUS).rmdir()
        elif not made and not force and not (out / "study.json").exists() and _holds_no_fit(out):
            _remove_own(out)
        raise
    _remove(out / PREVIOUS)
    for entry in out.iterdir():
        if _is_leftover(entry.name):
            _remove(entry)


def _holds_no_fit(out: Path) -> bool:
    import sqlite3

    if not (out / "ledger.sqlite").exists():
        return not (out / "study.json").exists()
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        return bool(db.execute("SELECT count(*) FROM fits").fetchone()[0] == 0) and not _holds_trials(out)
    return False


def _holds_trials(out: Path) -> bool:
    import sqlite3

    if not (out / "tuning.sqlite").exists():
        return False
    for table in ("listed_trials", "trials"):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(out / "tuning.sqlite")) as db:
            if db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                return True
    return False


def _move_all(source: Path, target: Path) -> None:
    present = [source / name for name in sorted(OWN_FILES) if (source / name).exists() or (source / name).is_symlink()]
    if present and not target.is_dir():
        target.mkdir()
    for path in present:
        _remove(target / path.name)
        path.replace(target / path.name)


def _remove_own(out: Path) -> None:
    for name in OWN_FILES:
        _remove(out / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
