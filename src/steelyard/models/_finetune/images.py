"""Images as pixels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.media.image import open_image
from steelyard.features.media.vision import SETTINGS, Preparation, read_preparation
from steelyard.models._finetune.inputs import Inputs, Items

if TYPE_CHECKING:
    from PIL.Image import Image

#: Larger images are made smaller before they are kept: crops need a little more than the model takes.
_ROOM = 1.25
#: Images that are kept in memory between passes.
_KEPT = 2000


@dataclass
class Images(Inputs):
    """Image files, brought to the size and the values that the model was trained on."""

    content: ClassVar[str] = "image"
    what: ClassVar[str] = "images"
    auto: ClassVar[str] = "AutoModelForImageClassification"

    prepare: Preparation
    settings: bytes | None
    max_length: int = 0

    @classmethod
    def load(cls, folder: Path, config: Any, said: str, max_length: int) -> Images:
        """Settings of a model's folder."""
        path = folder / SETTINGS
        return cls(read_preparation(folder, config), path.read_bytes() if path.is_file() else None, max_length)

    def items(self, X: NDArray[Any], augment: int | None = None) -> Items:
        """Images that are read when they are looked at."""
        return Pictures(list(X), self.prepare, augment)

    def batch(self, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Pixels, shape (n_images, 3, height, width)."""
        import torch

        return {"pixel_values": torch.from_numpy(np.stack([item["pixel_values"] for item in items]))}

    def sizes(self, items: Items) -> list[int]:
        """All are alike."""
        return [0] * len(items)

    def save(self, folder: Path) -> None:
        """Write the settings."""
        if self.settings is not None:
            (folder / SETTINGS).write_bytes(self.settings)


class Pictures:
    """Pixels of files, read at each look; with a seed each look is cropped, mirrored and coloured anew.

    Parameters
    ----------
    files : list of Path, or None for a grey picture
    prepare : Preparation
    seed : int, optional
    """

    def __init__(self, files: list[Path | None], prepare: Preparation, seed: int | None) -> None:
        self.files, self.prepare, self.seed = files, prepare, seed
        self._kept: OrderedDict[int, Image] = OrderedDict()
        self._looks = np.zeros(len(files), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: Any) -> dict[str, Any]:
        image = self._image(int(place))
        if self.seed is not None:
            rng = np.random.default_rng([self.seed, int(place), int(self._looks[place])])
            self._looks[place] += 1
            image = augmented(image, self.prepare.size, rng)
        return {"pixel_values": self.prepare(image)}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[place] for place in range(len(self)))

    def _image(self, place: int) -> Image:
        if place not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)
            self._kept[place] = self._read(self.files[place])
        return self._kept[place]

    def _read(self, path: Path | None) -> Image:
        import PIL.Image

        if path is None:
            return PIL.Image.new("RGB", self.prepare.size[::-1], "grey")
        try:
            image = open_image(path.read_bytes())
        except (DataError, OSError) as error:
            raise DataError(f"{path} cannot be read any more: {error}") from None
        wanted = _ROOM * max(*self.prepare.size, self.prepare.shortest or 0)
        factor = wanted / min(image.size)
        if factor >= 1:
            return image
        size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
        return image.resize(size, PIL.Image.Resampling.BICUBIC)


def augmented(image: Image, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """A part of the image, perhaps mirrored, a little brighter, paler or flatter than it was.

    Parameters
    ----------
    image : PIL.Image.Image
    size : (int, int)
        Height and width that the model takes.
    rng : numpy.random.Generator

    Returns
    -------
    PIL.Image.Image
        Of the size given: 60 to 100 % of the area, at 3/4 to 4/3 of the image's own proportions (Szegedy et al. 2015,
        with a larger least part), mirrored every other time, brightness, contrast and colour each by up to 20 %.
    """
    import PIL.Image
    from PIL import ImageEnhance

    area, ratio = rng.uniform(0.6, 1.0), np.exp(rng.uniform(-np.log(4 / 3), np.log(4 / 3)))
    width = min(image.width, max(1, round(image.width * np.sqrt(area * ratio))))
    height = min(image.height, max(1, round(image.height * np.sqrt(area / ratio))))
    left, top = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
    box = (left, top, left + width, top + height)
    image = image.resize((size[1], size[0]), PIL.Image.Resampling.BICUBIC, box=box)
    if rng.random() < 0.5:
        image = image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = change(image).enhance(float(rng.uniform(0.8, 1.2)))
    return image
