"""Describing many files: from the cache what is known, the rest in processes or on a vision model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.media.cache import Described, FeatureCache
from steelyard.features.media.fingerprint import SIZE
from steelyard.features.media.kinds import TEXT, kind_of
from steelyard.features.media.reading import describe_files
from steelyard.features.media.spec import MediaFeatures
from steelyard.features.media.text import decode_text, text_fingerprint

if TYPE_CHECKING:
    import polars as pl

#: Finished files after which they are written to the cache.
_KEEP_EVERY = 256

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Extracted:
    """Files that could be described, and those that could not.

    Parameters
    ----------
    media : MediaFeatures
    files : tuple of Path
        The described ones, in the order given.
    values : ndarray of float32, shape (n_files, n_columns)
    digests : tuple of bytes
        SHA-256 of each file's content.
    fingerprints : ndarray of uint8, shape (n_files, 80)
    problems : tuple of (Path, str)
        Files that were set aside, and why.
    texts : tuple of (str or None)
        What each text file holds.
    """

    media: MediaFeatures
    files: tuple[Path, ...]
    values: NDArray[np.float32]
    digests: tuple[bytes, ...]
    fingerprints: NDArray[np.uint8]
    problems: tuple[tuple[Path, str], ...]
    texts: tuple[str | None, ...]

    @property
    def kinds(self) -> list[str]:
        """Kind of each file."""
        return [str(kind_of(path)) for path in self.files]

    def frame(self) -> pl.DataFrame:
        """Table with a row for each file."""
        import polars as pl

        made = self.media.frame(self.kinds, self.values, list(self.texts))
        paths = [str(path) for path in self.files]
        return made.with_columns(pl.Series(name, paths, dtype=pl.String) for name in self.media.file_columns)


def extract(
    files: Sequence[Path],
    media: MediaFeatures,
    *,
    n_jobs: int = 1,
    cache: FeatureCache | None = None,
    progress: Progress | None = None,
) -> Extracted:
    """Describe files; those that cannot be read are set aside with the reason.

    Parameters
    ----------
    files : sequence of Path
    media : MediaFeatures
        Columns to make.
    n_jobs : int
        Processes; the numbers do not depend on it. A vision model runs in this process, on a GPU where there is one.
    cache : FeatureCache, optional
        An open cache.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    Extracted

    Raises
    ------
    MissingExtraError
        When a package that reads a kind of file is not installed.
    """
    problems: dict[Path, str] = {}
    digests = _digests(files, media, problems)
    known: dict[tuple[str, bytes], Described] = {}
    texts = _texts(digests, known, problems)
    for kind in (kind for kind in media.kinds if kind != TEXT):
        wanted = sorted({digest for path, digest in digests.items() if kind_of(path) == kind})
        found = cache.get(media.extractor(kind), wanted) if cache else {}
        width = media.width(kind)
        known |= {(kind, digest): entry for digest, entry in found.items() if entry.values.size == width}
    # A content that occurs twice is described once.
    missing = {(str(kind_of(path)), digest): path for path, digest in reversed(digests.items()) if path not in problems}
    missing = {key: path for key, path in reversed(missing.items()) if key not in known}
    failed: dict[tuple[str, bytes], str] = {}
    fresh: dict[tuple[str, bytes], Described] = {}
    for done, (key, outcome) in enumerate(describe_files(missing, media, n_jobs), 1):
        if isinstance(outcome, str):
            failed[key] = outcome
        else:
            fresh[key] = known[key] = outcome
        if len(fresh) >= _KEEP_EVERY:
            _keep(cache, media, fresh)
        if progress:
            progress(done, len(missing))
    _keep(cache, media, fresh)
    return _assemble(files, media, digests, known, failed, problems, texts)


def _keep(cache: FeatureCache | None, media: MediaFeatures, fresh: dict[tuple[str, bytes], Described]) -> None:
    if cache is not None:
        for kind in media.kinds:
            cache.put(media.extractor(kind), {key[1]: entry for key, entry in fresh.items() if key[0] == kind})
    fresh.clear()


def _assemble(
    files: Sequence[Path],
    media: MediaFeatures,
    digests: dict[Path, bytes],
    known: dict[tuple[str, bytes], Described],
    failed: dict[tuple[str, bytes], str],
    problems: dict[Path, str],
    texts: dict[Path, str],
) -> Extracted:
    kept, rows, prints = [], [], []
    for path in files:
        if path in problems:
            continue
        key = (str(kind_of(path)), digests[path])
        if key in failed:
            problems[path] = failed[key]
            continue
        kept.append(path)
        rows.append(media.place(key[0], known[key].values))
        prints.append(np.frombuffer(known[key].fingerprint, dtype=np.uint8))
    return Extracted(
        media,
        tuple(kept),
        np.array(rows, dtype=np.float32).reshape(len(kept), len(media.columns)),
        tuple(digests[path] for path in kept),
        np.array(prints, dtype=np.uint8).reshape(len(kept), SIZE),
        tuple((path, problems[path]) for path in files if path in problems),
        tuple(texts.get(path) for path in kept),
    )


def _texts(
    digests: dict[Path, bytes], known: dict[tuple[str, bytes], Described], problems: dict[Path, str]
) -> dict[Path, str]:
    """What the text files hold; reading them is as quick as looking them up."""
    found: dict[Path, str] = {}
    for path, digest in digests.items():
        if kind_of(path) == TEXT:
            try:
                found[path] = decode_text(path.read_bytes())
            except (DataError, OSError) as error:
                problems[path] = getattr(error, "strerror", None) or str(error)
            else:
                known[TEXT, digest] = Described(np.empty(0, dtype=np.float32), text_fingerprint(found[path]))
    return found


def _digests(files: Sequence[Path], media: MediaFeatures, problems: dict[Path, str]) -> dict[Path, bytes]:
    def look(path: Path) -> bytes | str:
        if kind_of(path) not in media.kinds:
            return f"not of a kind that can be described here ({', '.join(media.kinds)})"
        try:
            if path.stat().st_size == 0:
                return "empty"
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError as error:
            return error.strerror or str(error)

    # Hashing lets go of the interpreter's lock, so threads do.
    with ThreadPoolExecutor(4) as pool:
        looked = dict(zip(files, pool.map(look, files, chunksize=16), strict=True))
    problems |= {path: found for path, found in looked.items() if isinstance(found, str)}
    return {path: found for path, found in looked.items() if isinstance(found, bytes)}
