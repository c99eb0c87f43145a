"""A frozen Transformers vision model that turns images into embeddings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, MissingExtraError
from steelyard.features.checkpoint import EncoderFacts, checkpoint_digest, find_checkpoint, frozen, load_part

if TYPE_CHECKING:
    from PIL.Image import Image

#: Images that go through the model at once.
_BATCH = 32
#: File of a model's folder that says how images are prepared.
SETTINGS = "preprocessor_config.json"
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preparation:
    """What is done to an image before the model sees it, as its ``preprocessor_config.json`` says.

    Parameters
    ----------
    size : tuple of int
        Height and width that the model takes.
    shortest : int or None
        Length of the shorter side before the middle is cut out; None where the whole image is scaled.
    mean, deviation : tuple of float
        Of the channels, in values from 0 to 1.
    """

    size: tuple[int, int]
    shortest: int | None
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @classmethod
    def of(cls, settings: dict[str, Any], image_size: int) -> Preparation:
        """Preparation from a preprocessor's settings; what they leave out is taken from the model."""
        size = settings.get("size", image_size)
        size = {"shortest_edge": size} if isinstance(size, int) and settings.get("do_center_crop") else size
        if isinstance(size, int):
            size = {"height": size, "width": size}
        crop = settings.get("crop_size", size) if settings.get("do_center_crop") else size
        crop = {"height": crop, "width": crop} if isinstance(crop, int) else crop
        shortest = size.get("shortest_edge") or (min(size["height"], size["width"]) if crop is not size else None)
        edge = crop.get("shortest_edge", image_size)
        target = (int(crop.get("height", edge)), int(crop.get("width", edge)))
        mean = tuple(settings.get("image_mean") or _IMAGENET[0])
        deviation = tuple(settings.get("image_std") or _IMAGENET[1])
        return cls(target, int(shortest) if shortest else None, mean, deviation)

    def __call__(self, image: Image) -> NDArray[np.float32]:
        """Channels first, shape (3, height, width)."""
        from PIL.Image import Resampling

        height, width = self.size
        if self.shortest is None:
            scaled = image.resize((width, height), Resampling.BICUBIC)
        else:
            factor = max(self.shortest / min(image.size), width / image.width, height / image.height)
            wide, high = max(width, round(image.width * factor)), max(height, round(image.height * factor))
            left, top = (wide - width) // 2, (high - height) // 2
            scaled = image.resize((wide, high), Resampling.BICUBIC).crop((left, top, left + width, top + height))
        values = np.asarray(scaled, dtype=np.float32) / 255
        made = (values - np.array(self.mean, dtype=np.float32)) / np.array(self.deviation, dtype=np.float32)
        return np.ascontiguousarray(made.transpose(2, 0, 1), dtype=np.float32)


class VisionEncoder:
    """Embeddings of images by a frozen model, on a GPU where there is one."""

    def __init__(self, model: Any, prepare: Preparation, facts: EncoderFacts) -> None:
        self.model, self.prepare, self.facts = model, prepare, facts

    @classmethod
    def load(cls, source: str, expected: EncoderFacts | None = None) -> VisionEncoder:
        """Model of a local folder, or of a name in the user's Transformers cache; nothing is downloaded.

        Parameters
        ----------
        source : str
            Folder with ``config.json`` and ``*.safetensors``, or a name such as ``google/vit-base-patch16-224``.
        expected : EncoderFacts, optional
            What a trained model says of it; other weights are refused.

        Raises
        ------
        UsageError
            When there is no such model; the message says how to get it.
        DataError
            When it is no vision model, or not the one expected.
        MissingExtraError
            When torch or transformers is not installed.
        """
        encoder = _load(str(source))
        if expected is not None and encoder.facts.digest != expected.digest:
            raise DataError(f"{source} is not the vision model that this was trained with: its weights differ")
        return encoder

    def embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Embeddings of images, shape (n_images, width)."""
        import torch

        parts = [np.empty((0, self.facts.width), dtype=np.float32)]
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            for start in range(0, len(images), _BATCH):
                batch = np.stack([self.prepare(image) for image in images[start : start + _BATCH]])
                parts.append(_pool(self.model, torch.from_numpy(batch).to(device)).float().cpu().numpy())
        return np.concatenate(parts)


@lru_cache(maxsize=1)
def _load(source: str) -> VisionEncoder:
    try:
        import torch  # noqa: F401
        from transformers import AutoModel
    except ModuleNotFoundError:
        raise MissingExtraError("text", "a vision model (--encoder)") from None

    folder = find_checkpoint(source, "--encoder")
    model = frozen(load_part(AutoModel, folder, f"--encoder {source}", use_safetensors=True))
    prepare = read_preparation(folder, model.config)
    encoder = VisionEncoder(model, prepare, EncoderFacts(source, checkpoint_digest(folder), 0))
    encoder.facts = EncoderFacts(source, encoder.facts.digest, _width(encoder, source))
    return encoder


def read_preparation(folder: Path, config: Any) -> Preparation:
    """What a model's folder says is done to an image; what it leaves out is taken from the model's configuration."""
    settings: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    vision = getattr(config, "vision_config", config)
    size = getattr(vision, "image_size", 224) or 224
    return Preparation.of(settings, int(size if isinstance(size, int) else size[0]))


def _width(encoder: VisionEncoder, source: str) -> int:
    import torch

    try:
        with torch.inference_mode():
            height, width = encoder.prepare.size
            blank = torch.zeros((1, 3, height, width), device=next(encoder.model.parameters()).device)
            return int(_pool(encoder.model, blank).shape[1])
    except Exception as error:  # a model that takes no images fails in its own way
        what = " ".join(str(error).split())[:160]
        raise DataError(f"--encoder {source} is no vision model: it cannot take an image ({what})") from None


def _pool(model: Any, pixels: Any) -> Any:
    """One vector for each image: CLIP's own, else the class token, else the mean over the picture."""
    if hasattr(model, "get_image_features"):
        found = model.get_image_features(pixel_values=pixels)
        return found if hasattr(found, "shape") else found.pooler_output
    hidden = model(pixel_values=pixels).last_hidden_state
    if hidden.ndim == 4:
        return hidden.mean(dim=(2, 3))
    has_token = any(name.endswith("cls_token") for name, _ in model.named_parameters())
    return hidden[:, 0] if has_token else hidden.mean(dim=1)
