"""Folders of images, videos and texts as tables: the same study, the same model directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from steelyard.api.prepare import RawTable
from steelyard.data.folder import read_class_folder, walk
from steelyard.errors import DataError, UsageError
from steelyard.features.checkpoint import EncoderFacts
from steelyard.features.media import (
    KINDS,
    Extracted,
    FeatureCache,
    MediaFeatures,
    duplicate_files,
    extract,
    kind_of,
)
from steelyard.features.media.extraction import Progress


def read_collection(
    folder: Path | str,
    *,
    encoder: str | None = None,
    media: MediaFeatures | None = None,
    duplicates: str | None = None,
    n_jobs: int = 1,
    cache: FeatureCache | None = None,
    progress: Progress | None = None,
) -> RawTable:
    """Table of a folder with one sub-folder for each class.

    Files that cannot be read are left out and named in the warnings. Copies of a file, exact or near, are one group,
    so that they share a fold.

    Parameters
    ----------
    folder : path
    encoder : str, optional
        Folder or name of a Transformers model, whose embeddings replace the descriptors, or the counted words of
        a folder of texts alone.
    media : MediaFeatures, optional
        Columns to make, where another table decided them already.
    duplicates : {"keep", "group"}, optional
        Whether copies share a fold; they do by default.
    n_jobs : int
        Processes.
    cache : FeatureCache, optional
        The user's cache by default.
    progress : callable, optional
        Called as ``progress(done, total)`` while files are described.

    Returns
    -------
    RawTable

    Raises
    ------
    UsageError
        When there is no such folder or no such model.
    DataError
        When no file in it can be used.
    """
    found = read_class_folder(folder, lambda path: kind_of(path) is not None)
    if media is None:
        kinds = {kind_of(path) for path in found.files}
        media = media_for(tuple(kind for kind in KINDS if kind in kinds), encoder)
    elif encoder is not None:
        raise UsageError("an encoder cannot be chosen where the columns are given")
    extracted = describe(found.files, media, n_jobs=n_jobs, cache=cache, progress=progress)
    if not extracted.files:
        path, reason = extracted.problems[0]
        raise DataError(f"{folder}: none of {len(found.files)} files can be read ({path.name}: {reason})")
    kept = set(extracted.files)
    label_of = dict(zip(found.files, found.labels, strict=True))
    labels = [label_of[path] for path in extracted.files]
    groups, n_exact, n_near = duplicate_files(extracted)
    warnings = [*found.warnings, *_problem_warnings(extracted, found.root)]
    lost = sorted(set(found.labels) - set(labels))
    if lost:
        warnings.append(f"No file of these folders can be read, so they are no classes: {', '.join(lost)}.")
    warnings += _copy_warnings(extracted, labels, n_exact, n_near, duplicates)
    return RawTable(
        features=extracted.frame(),
        labels=labels,
        groups=groups.tolist() if n_exact + n_near and duplicates != "keep" else None,
        ids=[name for name, path in zip(found.names, found.files, strict=True) if path in kept],
        path=str(folder),
        # Names of folders are names of classes, even where they are numbers.
        task="binary" if len(set(labels)) == 2 else "multiclass",
        media=media,
        roles=dict.fromkeys(media.file_columns, "file"),
        encoder=text_encoder(encoder) if set(media.kinds) <= {"text"} else None,
        warnings=tuple(warnings),
    )


def media_for(kinds: tuple[str, ...], encoder: str | None = None) -> MediaFeatures:
    """Columns for kinds of files, with the facts of a vision model where one is asked for."""
    # Of texts the table's own schema says how they are encoded.
    if encoder is None or set(kinds) <= {"text"}:
        return MediaFeatures(kinds)
    from steelyard.features.media.vision import VisionEncoder

    return MediaFeatures(kinds, VisionEncoder.load(encoder).facts)


def text_encoder(encoder: str | None) -> EncoderFacts | None:
    """Facts of the frozen model that texts are encoded by, where one is asked for."""
    if encoder is None:
        return None
    from steelyard.features.text_encoder import TextEncoder

    return TextEncoder.load(encoder).facts


def describe(
    files: Sequence[Path],
    media: MediaFeatures,
    *,
    n_jobs: int = 1,
    cache: FeatureCache | None = None,
    progress: Progress | None = None,
) -> Extracted:
    """Numbers of files, from the user's cache where no other is given."""
    if cache is not None:
        return extract(files, media, n_jobs=n_jobs, cache=cache, progress=progress)
    with FeatureCache() as own:
        return extract(files, media, n_jobs=n_jobs, cache=own, progress=progress)


def unsorted_files(folder: Path, warnings: list[str]) -> list[Path]:
    """Files below a folder that can be described, links left aside."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    return [path for path in walk(folder, warnings, follow=False) if kind_of(path) is not None]


def _problem_warnings(extracted: Extracted, root: Path) -> list[str]:
    problems = extracted.problems
    if not problems:
        return []
    shown = "; ".join(f"{path.relative_to(root).as_posix()}: {reason}" for path, reason in problems[:5])
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    many = len(problems) != 1
    return [f"{len(problems)} file{'s' * many} cannot be read and {'are' if many else 'is'} left out ({shown}{more})."]


def _copy_warnings(
    extracted: Extracted, labels: list[str], n_exact: int, n_near: int, duplicates: str | None
) -> list[str]:
    said = []
    if n_exact + n_near:
        fold = "each counts for itself" if duplicates == "keep" else "copies are kept in one fold"
        said.append(
            f"{n_exact} file{'s' * (n_exact != 1)} repeat{'s' * (n_exact == 1)} the content of another, "
            f"and {n_near} look{'s' * (n_near == 1)} like another (scaled or saved again); {fold}."
        )
    places = defaultdict(set)
    for digest, label in zip(extracted.digests, labels, strict=True):
        places[digest].add(label)
    torn = [sorted(found) for found in places.values() if len(found) > 1]
    if torn:
        said.append(
            f"{len(torn)} content{'s' * (len(torn) != 1)} lie{'s' * (len(torn) == 1)} in several classes, "
            f"such as {' and '.join(torn[0])}: one of the places is wrong."
        )
    return said
