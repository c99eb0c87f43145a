from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from media_files import disc, stripes
from PIL import Image

from steelyard.errors import DataError
from steelyard.features.media import descriptors
from steelyard.features.media.image import MAX_PIXELS, open_image


def content(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width, height):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"", "empty"),
        (b"\x00" * 2000, "not an image"),
        (b"<html>no</html>", "not an image"),
        (content(disc(0))[:200], "damaged"),
        (content(disc(0), "JPEG")[:700], "truncated"),
        (png_header(60_000, 60_000), "pixels"),
        (png_header(MAX_PIXELS // 1000 + 1, 1000), "pixels"),
        (png_header(0, 5), "damaged|not an image"),
    ],
    ids=["empty", "zeros", "html", "cut-png", "cut-jpeg", "bomb", "just-above", "no-width"],
)
def test_what_cannot_be_read_has_a_reason(given, reason):
    with pytest.raises(DataError, match=reason):
        open_image(given)


def test_a_turned_photo_is_set_upright():
    image = Image.new("RGB", (40, 20), "red")
    exif = image.getexif()
    exif[0x0112] = 6
    assert open_image(content(image, "JPEG", exif=exif)).size == (20, 40)


def test_a_transparent_image_lies_on_white():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert open_image(content(image)).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_images_of_every_mode_become_rgb(mode):
    grey = np.linspace(0, 250, 64).reshape(8, 8)
    if mode in ("I;16", "I"):
        image = Image.fromarray((grey * 257).astype(np.uint16 if mode == "I;16" else np.int32))
    elif mode == "F":
        image = Image.fromarray(grey.astype(np.float32))
    else:
        image = Image.fromarray(grey.astype(np.uint8)).convert(mode)
    found = np.asarray(open_image(content(image, "TIFF"))).astype(int)
    assert found.shape == (8, 8, 3)
    if mode != "1":
        assert np.abs(found[..., 0] - grey).max() <= 5


def test_descriptors_are_finite_whatever_the_image():
    for image in (
        Image.new("RGB", (1, 1)),
        Image.new("RGB", (3000, 2), "white"),
        disc(0),
        Image.effect_noise((50, 50), 90).convert("RGB"),
    ):
        found = descriptors.describe(image)
        assert found.shape == (descriptors.N_COLUMNS,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
    assert len(descriptors.names()) == len(set(descriptors.names())) == descriptors.N_COLUMNS


def test_local_patterns_against_scikit_image_on_a_picture_where_all_neighbours_agree():
    # skimage interpolates on a circle; along and across steps of one colour both see the same.
    from skimage.feature import local_binary_pattern

    steps = np.repeat(np.array([10, 60, 120, 200], dtype=np.uint8), 8)[:, None] * np.ones((1, 32), dtype=np.uint8)
    ours = descriptors.local_patterns(steps)
    theirs = local_binary_pattern(steps, 8, 1, "uniform")[1:-1, 1:-1]
    assert np.array_equal(ours, theirs)


def test_local_patterns_by_hand():
    # Brighter or equal neighbours of the middle: four in two runs, so it is not uniform.
    grey = np.array([[9, 0, 9], [0, 5, 0], [9, 0, 9]], dtype=np.uint8)
    assert descriptors.local_patterns(grey).tolist() == [[9]]
    assert descriptors.local_patterns(np.full((3, 3), 7, dtype=np.uint8)).tolist() == [[8]]


def test_histograms_have_length_one_and_colours_are_told_apart():
    red, blue = (descriptors.describe(Image.new("RGB", (30, 30), name)) for name in ("red", "blue"))
    start = descriptors.WIDTHS["shape"]
    colour = slice(start, start + descriptors.WIDTHS["colour"])
    assert np.linalg.norm(red[colour]) == pytest.approx(1)
    assert red[colour] @ blue[colour] == 0


def test_size_matters_little_and_content_much():
    small, large = descriptors.describe(disc(1)), descriptors.describe(disc(1).resize((400, 400)))
    other = descriptors.describe(stripes(1))
    assert np.linalg.norm(small - large) < 0.5 * np.linalg.norm(small - other)
