"""Opening an image that may be damaged, turned, huge or hostile."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from steelyard.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

#: Images of more pixels are set aside: a file of a few kilobytes can ask for all of the memory.
MAX_PIXELS = 100_000_000


def open_image(content: bytes) -> Image:
    """Image of a file's content as RGB, turned upright; where it is transparent it is laid on white.

    Parameters
    ----------
    content : bytes
        The whole file. Of an animation the first frame is taken.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    DataError
        When it is empty, damaged, cut off, or of more than a hundred million pixels; the reason is the message.
    MissingExtraError
        When Pillow is not installed.

    Examples
    --------
    >>> open_image(b"GIF89a")
    Traceback (most recent call last):
        ...
    steelyard.errors.DataError: damaged, or not an image
    """
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ModuleNotFoundError:
        raise MissingExtraError("image", "reading images") from None

    if not content:
        raise DataError("empty")
    with warnings.catch_warnings():
        # Odd metadata is no reason to set an image aside, and Pillow's own limit is far above ours.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise DataError(f"{width} x {height} pixels are more than {MAX_PIXELS:,}")
                # JPEG can be decoded at half or a quarter of its size, and nothing here looks at more than 512 pixels.
                image.draft("RGB", (512, 512))
                image.load()
                return _as_rgb(ImageOps.exif_transpose(image))
        except DataError:
            raise
        except UnidentifiedImageError:
            raise DataError("damaged, or not an image") from None
        except Image.DecompressionBombError:
            raise DataError(f"more than {MAX_PIXELS:,} pixels") from None
        except MemoryError:
            raise DataError("needs more memory than there is") from None
        except Exception as error:  # a damaged file can raise anything in a decoder
            what = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"damaged: {what[:120]}") from None


def _as_rgb(image: Image) -> Image:
    import PIL.Image

    if image.mode in ("I;16", "I;16L", "I;16B", "I", "F"):
        return _deep_grey(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = PIL.Image.new("RGBA", image.size, (255, 255, 255, 255))
        return PIL.Image.alpha_composite(ground, image).convert("RGB")
    return image.convert("RGB")


def _deep_grey(image: Image) -> Image:
    """Grey of 16 or 32 bits as 8 bits, stretched where the values tell no scale."""
    import numpy as np
    import PIL.Image

    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (0.0, 65535.0) if 255 < values.max() <= 65535 and values.min() >= 0 else (values.min(), values.max())
    scaled = (values - low) / max(high - low, 1e-12) * 255
    return PIL.Image.fromarray(scaled.astype(np.uint8))
