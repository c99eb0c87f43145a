"""Pictures and clips of two kinds, made on the spot: discs and stripes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def disc(seed, size=96):
    """A bright disc on dark ground, somewhere."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (size, size), tuple(int(v) for v in rng.integers(0, 60, 3)))
    x, y, r = (int(value) for value in rng.integers((25, 25, 12), (60, 60, 24)))
    ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), fill=tuple(int(v) for v in rng.integers(150, 256, 3)))
    return image


def stripes(seed, size=96):
    """Stripes of two colours."""
    rng = np.random.default_rng([seed, 1])
    colours = rng.integers(60, 200, (2, 3))
    bands = (np.arange(size)[:, None] + rng.integers(0, 9)) // int(rng.integers(4, 9)) % 2
    plane = bands if rng.random() < 0.5 else bands.T
    return Image.fromarray(colours[np.broadcast_to(plane, (size, size))].astype(np.uint8))


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def clip(path, pictures, *, codec="mpeg4", rate=10):
    """A video of some pictures."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path


def image_collection(root, n_discs=14, n_stripes=6):
    for number in range(n_discs):
        save(disc(number), root / "disc" / f"{number:02}.png")
    for number in range(n_stripes):
        save(stripes(number), root / "stripes" / f"{number:02}.jpg", quality=95)
    return root
