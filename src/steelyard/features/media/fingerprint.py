"""What an image looks like in 80 bytes, alike for a copy that was scaled or saved again."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

#: Bytes of signs of the cosine transform (256 bits), then of mean colours in 4 x 4 cells.
N_SIGNS, N_COLOURS = 32, 48
SIZE = N_SIGNS + N_COLOURS


def fingerprint(image: Image) -> bytes:
    """Perceptual hash of an RGB image: signs of its low frequencies, and its colours.

    The 16 x 16 lowest frequencies of the cosine transform of 64 x 64 grey pixels, each above or below their median
    (Zauner, 2010), and the mean colour of 4 x 4 cells.

    Returns
    -------
    bytes, 80 of them

    Examples
    --------
    >>> from PIL import Image
    >>> len(fingerprint(Image.new("RGB", (20, 20), "blue")))
    80
    """
    from PIL.Image import Resampling

    grey = np.asarray(image.convert("L").resize((64, 64), Resampling.BOX), dtype=np.float64)
    waves = _cosines()
    low = (waves @ grey @ waves.T).ravel()
    # The first is the mean brightness, which says nothing about shape.
    low[0] = 0.0
    signs = np.packbits(low > np.median(low))
    colours = np.asarray(image.resize((4, 4), Resampling.BOX), dtype=np.uint8)
    return signs.tobytes() + colours.tobytes()


@cache
def _cosines() -> NDArray[np.float64]:
    order, place = np.arange(16)[:, None], np.arange(64)[None]
    waves: NDArray[np.float64] = np.cos(np.pi * order * (2 * place + 1) / 128)
    return waves
