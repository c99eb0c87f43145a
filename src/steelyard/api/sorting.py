"""Unsorted files to class folders, by a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steelyard.api.collections import describe, unsorted_files
from steelyard.artifact import TrainedModel
from steelyard.collection import UNSURE, Placement, carry_out, folder_names, locked, place_files
from steelyard.errors import DataError, UsageError
from steelyard.features.media import FeatureCache
from steelyard.features.media.extraction import Progress

#: Files that are described and predicted at once: memory does not grow with the collection.
_CHUNK = 4096


@dataclass(frozen=True)
class SortOptions:
    """How files are sorted.

    Parameters
    ----------
    move : bool, default False
        Move instead of copy.
    dry_run : bool, default False
        Only say what would be done.
    min_confidence : float, default 0
        Files whose label has a lower probability go to ``_unsure``.
    n_jobs : int, default 1
        Processes that describe files.
    """

    move: bool = False
    dry_run: bool = False
    min_confidence: float = 0.0
    n_jobs: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.min_confidence <= 1:
            raise UsageError(f"--min-confidence must be from 0 to 1, not {self.min_confidence:g}")


def sort_files(
    trained: TrainedModel,
    folder: Path,
    into: Path,
    options: SortOptions,
    *,
    cache: FeatureCache | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Copy or move the files of a folder into class folders, and say what went where.

    Parameters
    ----------
    trained : TrainedModel
        Trained on a collection.
    folder : Path
        Files to sort, at any depth. Class folders of ``into`` that lie in it are left alone.
    into : Path
        Folder that holds the class folders; made when it is not there.
    options : SortOptions
    cache : FeatureCache, optional
    progress : callable, optional

    Returns
    -------
    dict
        JSON-safe: ``folders`` (``folder``, ``label``, ``files``, ``already_there``, ``confidence``), ``files``
        (``file``, ``to``, ``label``, ``confidence``, ``outcome``), ``unreadable`` and ``failed`` (``file``,
        ``reason``), ``full_disk``, ``warnings``.

    Raises
    ------
    UsageError
        When there is no such folder.
    DataError
        When the model is not of a collection, or another sort is at work.
    """
    if trained.media is None:
        raise DataError("the model was trained on a table, so it cannot sort files; train it on a folder of files")
    warnings: list[str] = []
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    names = folder_names(trained.classes)
    names = {label: label if _is_there(into, label) else name for label, name in names.items()}
    with ExitStack() as stack:
        if not options.dry_run:
            if into.exists() and not into.is_dir():
                raise UsageError(f"--into {into} is not a folder")
            into.mkdir(parents=True, exist_ok=True)
            # Once, where both are the same folder.
            for place in {into.resolve(), folder.resolve()} if options.move else {into.resolve()}:
                stack.enter_context(locked(place))
        sorted_already = {(into / name).resolve() for name in (*names.values(), UNSURE)}
        inside = into.resolve() != folder.resolve() and into.resolve().is_relative_to(folder.resolve())
        if inside:
            sorted_already.add(into.resolve())
        files = [path for path in unsorted_files(folder, warnings) if not _below(path, folder, sorted_already)]
        unreadable: list[dict[str, str]] = []
        found = list(_predicted(trained, files, names, options, unreadable, cache, progress))
        placed = place_files(found, into)
        full = False
        if not options.dry_run:
            carried = carry_out(placed, folder, into, move=options.move)
            placed, full = list(carried.placements), carried.full
    return _record(placed, folder, into, options, unreadable, warnings, full)


def _is_there(into: Path, label: str) -> bool:
    """Whether the label names a folder that is there under just that name: then it is used, whatever the name."""
    plain = label not in ("", ".", "..", UNSURE) and not set(label) & set("/\\\0") and not label.startswith(".")
    try:
        return plain and (into / label).is_dir() and not (into / label).is_symlink()
    except OSError:
        return False


def _below(path: Path, folder: Path, others: set[Path]) -> bool:
    parents = path.relative_to(folder).parents
    return any((folder / parent).resolve() in others for parent in parents if parent != Path())


def _predicted(
    trained: TrainedModel,
    files: list[Path],
    names: dict[str, str],
    options: SortOptions,
    unreadable: list[dict[str, str]],
    cache: FeatureCache | None,
    progress: Progress | None,
) -> Iterator[Placement]:
    assert trained.media is not None
    for start in range(0, len(files), _CHUNK):
        some = files[start : start + _CHUNK]
        found = describe(some, trained.media, n_jobs=options.n_jobs, cache=cache)
        unreadable += [{"file": str(path), "reason": reason} for path, reason in found.problems]
        if progress:
            progress(min(start + _CHUNK, len(files)), len(files))
        if not found.files:
            continue
        proba = trained.predict_proba(found.frame())
        codes = trained.decision.predict(proba)
        confidence = proba[np.arange(len(codes)), codes]
        for path, digest, code, sure in zip(found.files, found.digests, codes, confidence.tolist(), strict=True):
            label = str(trained.classes[code])
            folder = names[label] if sure >= options.min_confidence else UNSURE
            yield Placement(path, folder, label, sure, digest)


def _record(
    placed: list[Placement],
    folder: Path,
    into: Path,
    options: SortOptions,
    unreadable: list[dict[str, str]],
    warnings: list[str],
    full: bool,
) -> dict[str, Any]:
    good = ("", "done", "already there")
    groups: dict[str, list[Placement]] = {}
    for placement in placed:
        if placement.outcome in good:
            groups.setdefault(placement.folder, []).append(placement)
    return {
        "from": str(folder),
        "into": str(into),
        "mode": "move" if options.move else "copy",
        "dry_run": options.dry_run,
        "folders": [
            {
                "folder": name,
                "label": None if name == UNSURE else some[0].label,
                "files": len(some),
                "already_there": sum(placement.outcome == "already there" for placement in some),
                "confidence": float(np.mean([placement.confidence for placement in some])),
            }
            for name, some in sorted(groups.items(), key=lambda item: (item[0] == UNSURE, item[0]))
        ],
        "files": [
            {
                "file": str(placement.source),
                "to": str(into / placement.folder / placement.name) if placement.outcome in good else None,
                "label": placement.label,
                "confidence": round(placement.confidence, 6),
                "outcome": placement.outcome or "planned",
            }
            for placement in placed
        ],
        "unreadable": unreadable,
        "failed": [
            {"file": str(placement.source), "reason": placement.outcome}
            for placement in placed
            if placement.outcome not in good
        ],
        "full_disk": full,
        "warnings": warnings,
    }
