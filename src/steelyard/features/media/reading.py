"""Reading and describing files: a few at a time in processes, or together on a vision model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.media.cache import Described
from steelyard.features.media.fingerprint import fingerprint
from steelyard.features.media.image import open_image
from steelyard.features.media.kinds import IMAGE, VIDEO, kind_of
from steelyard.features.media.spec import MediaFeatures
from steelyard.features.media.video import montage, motion, sample_frames, spread

#: Files that one task of a process takes.
_BATCH = 8
#: Files whose frames are in memory at once on their way to a vision model.
_ENCODER_BATCH = 32


def describe_files(
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
