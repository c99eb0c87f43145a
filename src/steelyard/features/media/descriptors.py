"""Shape, colour and texture of an image as numbers, without a trained model and without a download."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Number of columns of each family. Change `VERSION` with anything that changes a value: caches go by it.
WIDTHS = {
    "shape": 180,
    "colour": 192,
    "tone": 75,
    "texture": 110,
    "contrast": 92,
    "frequency": 13,
    "light": 11,
}
N_COLUMNS = sum(WIDTHS.values())
VERSION = 1

_SIDE = 192
_EPS = 1e-9
Floats = NDArray[np.floating[Any]]


def names() -> tuple[str, ...]:
    """Names of the columns, by family.

    Examples
    --------
    >>> names()[0], names()[180], len(names())
    ('shape 0', 'colour 0', 673)
    """
    return tuple(f"{family} {number}" for family, width in WIDTHS.items() for number in range(width))


def describe(image: Image) -> NDArray[np.float32]:
    """Descriptors of an RGB image, whatever its size.

    The image is brought to 192 x 192 pixels. ``shape``: histograms of oriented gradients (Dalal and Triggs,
    CVPR 2005) in 4 x 4 and 2 x 2 cells of 32 pixels, of two sizes of the picture. ``colour``: square roots of a
    joint histogram of hue, saturation and value. ``tone``: mean and deviation of CIE Lab in 3 x 3 cells, and its
    quantiles. ``texture``: uniform local binary patterns (Ojala and others, TPAMI 2002) at three scales, whole and
    in 2 x 2 cells. ``contrast``: gradients at four scales. ``frequency``: power spectrum by half octaves.
    ``light``: shares of extremes, opponent colours, shape of the picture.

    Returns
    -------
    ndarray of float32, shape (673,)

    Examples
    --------
    >>> from PIL import Image
    >>> describe(Image.new("RGB", (40, 30), "red")).shape
    (673,)
    """
    scaled = image.resize((_SIDE, _SIDE), _bilinear())
    grey = scaled.convert("L")
    light: Floats = np.asarray(grey, dtype=np.float32) / np.float32(255)
    hsv = np.asarray(scaled.resize((96, 96), _bilinear()).convert("HSV"))
    families: dict[str, Any] = {
        "shape": _shape(grey),
        "colour": _colour(hsv),
        "tone": _tone(scaled),
        "texture": _texture(grey),
        "contrast": _contrast(light),
        "frequency": _frequency(light),
        "light": _light(scaled, hsv, image.width / image.height),
    }
    made: NDArray[np.float32] = np.concatenate([families[name] for name in WIDTHS]).astype(np.float32)
    return made


def _bilinear() -> Any:
    from PIL.Image import Resampling

    return Resampling.BILINEAR


def _skimage(function: str) -> Any:
    try:
        from skimage import color, feature
    except ModuleNotFoundError:
        raise MissingExtraError("image", "describing images") from None
    return getattr(feature, function, None) or getattr(color, function)


def _cells(values: NDArray[Any], n: int) -> list[NDArray[Any]]:
    return [cell for rows in np.array_split(values, n, 0) for cell in np.array_split(rows, n, 1)]


def _histogram(codes: NDArray[Any], n_bins: int) -> NDArray[np.float64]:
    # Square roots, so that a difference between histograms is Hellinger's and rare values count.
    counts = np.bincount(codes.ravel(), minlength=n_bins)[:n_bins]
    shares: NDArray[np.float64] = np.sqrt(counts / max(counts.sum(), 1))
    return shares


def _shape(grey: Image) -> NDArray[np.float64]:
    hog = _skimage("hog")
    parts = [
        hog(np.asarray(grey.resize((side, side), _bilinear())) / 255.0, 9, (32, 32), (1, 1), block_norm="L2-Hys")
        for side in (128, 64)
    ]
    return np.concatenate(parts)


def _colour(hsv: NDArray[np.uint8]) -> NDArray[np.float64]:
    wide = hsv.astype(np.int64)
    codes = (wide[..., 0] * 12 // 256) * 16 + (wide[..., 1] // 64) * 4 + wide[..., 2] // 64
    return _histogram(codes, 192)


def _tone(image: Image) -> NDArray[np.float64]:
    lab = _skimage("rgb2lab")(np.asarray(image.resize((48, 48), _bilinear())))
    cells = [cell.reshape(-1, 3) for cell in _cells(lab, 3)]
    grid = [statistic for cell in cells for statistic in (cell.mean(axis=0), cell.std(axis=0))]
    quantiles = np.percentile(lab.reshape(-1, 3), [2, 10, 25, 50, 75, 90, 98], axis=0)
    return np.concatenate([*grid, quantiles.ravel()])


def _texture(grey: Image) -> NDArray[np.float64]:
    from PIL.Image import Resampling

    parts = []
    for level in range(3):
        codes = local_patterns(np.asarray(grey))
        parts.append(_histogram(codes, 10))
        if level < 2:
            parts += [_histogram(cell, 10) for cell in _cells(codes, 2)]
        grey = grey.resize((grey.width // 2, grey.height // 2), Resampling.BOX)
    return np.concatenate(parts)


def local_patterns(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rotation-invariant uniform local binary pattern of each inner pixel: 0 to 8 brighter neighbours, 9 for others.

    The eight neighbours are the pixels around, without interpolation, which is ten times as fast.

    Examples
    --------
    >>> local_patterns(np.array([[9, 9, 9], [0, 5, 0], [0, 0, 0]], dtype=np.uint8))
    array([[3]], dtype=uint8)
    """
    middle = grey[1:-1, 1:-1]
    high, wide = grey.shape
    codes = np.zeros(middle.shape, dtype=np.uint8)
    for bit, (down, across) in enumerate(_AROUND):
        neighbour = grey[1 + down : high - 1 + down, 1 + across : wide - 1 + across]
        codes |= (neighbour >= middle).astype(np.uint8) << np.uint8(bit)
    return _uniform()[codes]


_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


@cache
def _uniform() -> NDArray[np.uint8]:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.uint8)


def _contrast(light: Floats) -> NDArray[np.float64]:
    parts: list[Any] = []
    for _ in range(4):
        down, across = np.gradient(light)
        size = np.hypot(across, down)
        angle = np.minimum(((np.arctan2(down, across) % np.pi) / np.pi * 8).astype(np.int64), 7)
        by_angle = np.bincount(angle.ravel(), weights=size.ravel(), minlength=8)
        octave = np.clip(np.log2(size + 1 / 512) + 9, 0, 8.99).astype(np.int64)
        parts += [
            [size.mean(), size.std(), *np.percentile(size, [50, 75, 90, 97])],
            np.sqrt(by_angle / (by_angle.sum() + _EPS)),
            _histogram(octave, 9),
        ]
        light = (light[::2, ::2] + light[1::2, ::2] + light[::2, 1::2] + light[1::2, 1::2]) / 4
    return np.concatenate(parts)


@cache
def _rings() -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    down = np.fft.fftfreq(_SIDE)[:, None] * _SIDE
    radius = np.hypot(down, np.arange(_SIDE // 2 + 1)[None])
    window = np.hanning(_SIDE).astype(np.float32)
    return np.minimum(np.log2(np.maximum(radius, 1)) * 2, 13).astype(np.int64), window[:, None] * window


def _frequency(light: Floats) -> NDArray[np.float64]:
    rings, window = _rings()
    power = np.abs(np.fft.rfft2((light - light.mean()) * window)) ** 2
    sums = np.bincount(rings.ravel(), weights=power.ravel(), minlength=14)
    logs: NDArray[np.float64] = np.log(sums[1:] + 1e-6)
    return logs


def _light(image: Image, hsv: NDArray[np.uint8], ratio: float) -> NDArray[np.float64]:
    rgb = np.asarray(image, dtype=np.float32) / 255
    opponents = (
        (rgb[..., 0] - rgb[..., 1]) / np.sqrt(2.0),
        (rgb[..., 0] + rgb[..., 1] - 2 * rgb[..., 2]) / np.sqrt(6.0),
    )
    steps = [
        statistic
        for plane in opponents
        for statistic in (np.abs(np.diff(plane, axis=0)).mean(), np.abs(np.diff(plane, axis=1)).mean(), plane.std())
    ]
    saturation, value = hsv[..., 1], hsv[..., 2]
    shares = [(value > 245).mean(), (value < 20).mean(), (saturation < 25).mean(), (saturation > 150).mean()]
    return np.array([*steps, *shares, np.clip(np.log(ratio), -3, 3)])
