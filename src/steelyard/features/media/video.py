"""Frames of a video, sampled evenly, and what changes between them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, MissingExtraError
from steelyard.features.media import descriptors

if TYPE_CHECKING:
    from PIL.Image import Image

#: Videos that say they have more frames are read by their key frames alone.
_MANY_FRAMES = 3000
#: No more frames than this are decoded, whatever the file says.
_MOST_DECODED = 20_000
#: Largest side of a frame that is kept.
_KEPT_SIDE = 512
MOTION = ("motion mean", "motion deviation", "motion largest", "light change", "duration")
#: Spread of each family of descriptors over the frames.
SPREAD = tuple(f"{family} spread" for family in descriptors.WIDTHS)
VERSION = 1


def sample_frames(path: Path, n_frames: int) -> tuple[list[Image], float]:
    """Frames spread evenly over a video, decoded forward, and its length in seconds.

    Every frame is decoded and those at a stride are kept; the stride doubles whenever twice as many are kept as
    are wanted, so that nothing depends on the length that the file claims. Long videos are read by their key frames.

    Returns
    -------
    list of PIL.Image.Image
        Mode RGB, at least one and at most ``n_frames``.
    float
        Seconds, 0 where unknown.

    Raises
    ------
    DataError
        When it is damaged, holds no video stream, or no frame of it can be decoded.
    MissingExtraError
        When PyAV is not installed.
    """
    try:
        import av
    except ModuleNotFoundError:
        raise MissingExtraError("video", "reading videos") from None

    if path.stat().st_size == 0:
        raise DataError("empty")
    kept: list[Image] = []
    seconds = 0.0
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.video:
                raise DataError("holds no video stream")
            stream = container.streams.video[0]
            seconds = _seconds(container, stream)
            stream.codec_context.thread_count = 1
            if stream.frames > _MANY_FRAMES or seconds * float(stream.average_rate or 0) > _MANY_FRAMES:
                stream.codec_context.skip_frame = "NONKEY"
            _keep(container.decode(stream), n_frames, kept)
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        # What was decoded before the damage is good: half a clip still shows what it is of.
        if not kept:
            what = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise DataError(f"damaged, or not a video: {what[:120]}") from None
    if not kept:
        raise DataError("no frame of it can be decoded")
    places = np.unique(np.linspace(0, len(kept) - 1, min(n_frames, len(kept))).round().astype(int))
    return [kept[place] for place in places], seconds


def _keep(frames: Any, n_frames: int, kept: list[Image]) -> None:
    """Fill the list with frames at a stride that doubles as the video goes on."""
    stride = 1
    for number, frame in enumerate(frames):
        if number >= _MOST_DECODED:
            break
        if number % stride:
            continue
        scale = min(1.0, _KEPT_SIDE / max(frame.width, frame.height))
        kept.append(frame.to_image(width=max(1, int(frame.width * scale)), height=max(1, int(frame.height * scale))))
        if len(kept) == 2 * n_frames:
            del kept[1::2]
            stride *= 2


def _seconds(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration / 1_000_000) if container.duration else 0.0


def motion(frames: list[Image], seconds: float) -> NDArray[np.float32]:
    """How much neighbouring frames differ (mean, deviation, largest, in light alone), and log(1 + seconds).

    Returns
    -------
    ndarray of float32, shape (5,)
    """
    small = np.stack([np.asarray(frame.resize((32, 32)).convert("L"), dtype=np.float64) / 255 for frame in frames])
    steps = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2)) if len(small) > 1 else np.zeros(1)
    light = np.abs(np.diff(small.mean(axis=(1, 2)))).mean() if len(small) > 1 else 0.0
    made = [steps.mean(), steps.std(), steps.max(), light, np.log1p(max(seconds, 0.0))]
    return np.array(made, dtype=np.float32)


def spread(described: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean deviation over the frames of each family of descriptors.

    Parameters
    ----------
    described : ndarray of float32, shape (n_frames, n_columns)

    Returns
    -------
    ndarray of float32, shape (n_families,)
    """
    cuts = np.cumsum(list(descriptors.WIDTHS.values()))[:-1]
    deviation = described.std(axis=0, dtype=np.float64)
    return np.array([part.mean() for part in np.split(deviation, cuts)], dtype=np.float32)


def montage(frames: list[Image]) -> Image:
    """One picture that stands for a video when copies are looked for: four of its frames side by side."""
    import PIL.Image

    places = np.linspace(0, len(frames) - 1, 4).round().astype(int)
    sheet = PIL.Image.new("RGB", (256, 256))
    for number, place in enumerate(places):
        sheet.paste(frames[place].resize((128, 128)), ((number % 2) * 128, (number // 2) * 128))
    return sheet
