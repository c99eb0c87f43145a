"""Describing many files: from the cache what is known, the rest in processes or on a vision model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.media.cache import Described, FeatureCache
from steelyard.features.media.fingerprint import SIZE, fingerprint
from steelyard.features.media.image import open_image
from steelyard.features.media.kinds import IMAGE, TEXT, VIDEO, kind_of
from steelyard.features.media.spec import MediaFeatures
from steelyard.features.media.text import decode_text, text_fingerprint
from steelyard.features.media.video import montage, motion, sample_frames, spread

if TYPE_CHECKING:
    import polars as pl

#: Files that one task of a process takes.
_BATCH = 8
#: Files whose frames are in memory at once on their way to a vision model.
_ENCODER_BATCH = 32
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
        return self.media.frame(self.kinds, self.values, list(self.texts))


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
    for done, (key, outcome) in enumerate(_described(missing, media, n_jobs), 1):
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


def _described(
    missing: dict[tuple[str, bytes], Path], media: MediaFeatures, n_jobs: int
) -> Iterator[tuple[tuple[str, bytes], Described | str]]:
    """Numbers of each file, or the reason why there are none."""
    keys = list(missing)
    if media.encoder is not None:
        yield from _encoded(keys, missing, media)
        return
    batches = [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]
    if n_jobs == 1 or len(batches) < 2:
        made: Any = (_describe_batch([missing[key] for key in batch], media) for batch in batches)
    else:
        made = _in_processes([[missing[key] for key in batch] for batch in batches], media, n_jobs)
    for batch, outcomes in zip(batches, made, strict=True):
        yield from zip(batch, outcomes, strict=True)


def _in_processes(batches: list[list[Path]], media: MediaFeatures, n_jobs: int) -> Iterator[list[Described | str]]:
    """Outcomes of each batch; a file that kills the process that reads it costs itself alone."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    ahead = 3 * max(n_jobs, 1)
    done = 0
    while done < len(batches):
        with suppress(TerminatedWorkerError):
            work = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch=ahead)
            for outcomes in work(delayed(_describe_batch)(batch, media) for batch in batches[done:]):
                done += 1
                yield outcomes
        # One of those that were under way did it: they are read one by one, the rest together again.
        for batch in batches[done : done + ahead]:
            done += 1
            yield [_described_alone(path, media) for path in batch]


def _described_alone(path: Path, media: MediaFeatures) -> Described | str:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        # Two tasks, so that joblib does not run a single one in this very process.
        pair = Parallel(n_jobs=2)(delayed(_describe_batch)(some, media) for some in ([path], []))
    except TerminatedWorkerError:
        return "the process that read it was killed"
    found: Described | str = pair[0][0]
    return found


def _describe_batch(files: list[Path], media: MediaFeatures) -> list[Described | str]:
    return [_describe_file(path, media) for path in files]


def _describe_file(path: Path, media: MediaFeatures) -> Described | str:
    from steelyard.features.media.descriptors import describe

    try:
        frames, seconds = _frames(path, media)
        described = np.stack([describe(frame) for frame in frames])
        return _pooled(path, frames, seconds, described, spread(described))
    except DataError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)
    except MemoryError:
        return "needs more memory than there is"


def _frames(path: Path, media: MediaFeatures) -> tuple[list[Any], float]:
    if kind_of(path) == VIDEO:
        return sample_frames(path, media.n_frames)
    return [open_image(path.read_bytes())], 0.0


def _pooled(
    path: Path, frames: list[Any], seconds: float, described: NDArray[np.float32], extra: NDArray[np.float32]
) -> Described:
    if kind_of(path) == IMAGE:
        return Described(described[0], fingerprint(frames[0]))
    mean = described.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Described(np.concatenate([mean, extra, motion(frames, seconds)]), fingerprint(montage(frames)))


def _encoded(
    keys: list[tuple[str, bytes]], missing: dict[tuple[str, bytes], Path], media: MediaFeatures
) -> Iterator[tuple[tuple[str, bytes], Described | str]]:
    if not keys:
        return
    from steelyard.features.media.vision import VisionEncoder

    assert media.encoder is not None
    encoder = VisionEncoder.load(media.encoder.source, expected=media.encoder)
    none = np.empty(0, dtype=np.float32)

    def opened(path: Path) -> tuple[list[Any], float] | str:
        try:
            return _frames(path, media)
        except (DataError, OSError, MemoryError) as error:
            return getattr(error, "strerror", None) or str(error) or "needs more memory than there is"

    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(keys), _ENCODER_BATCH):
            some = keys[start : start + _ENCODER_BATCH]
            read = list(pool.map(opened, [missing[key] for key in some]))
            pictures = [frame for found in read if not isinstance(found, str) for frame in found[0]]
            embedded = iter(encoder.embed(pictures) if pictures else ())
            for key, found in zip(some, read, strict=True):
                if isinstance(found, str):
                    yield key, found
                    continue
                rows: NDArray[np.float32] = np.stack([next(embedded) for _ in found[0]])
                yield key, _pooled(missing[key], *found, rows, none)
