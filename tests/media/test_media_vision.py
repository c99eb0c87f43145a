"""Frozen vision models: tiny ones with random weights, made on the spot."""

from __future__ import annotations

import json

import numpy as np
import pytest
from media_files import clip, disc, image_collection, save, stripes

from steelyard.api.collections import media_for, read_collection
from steelyard.errors import DataError, UsageError
from steelyard.features.media import extract
from steelyard.features.media.vision import VisionEncoder, _load

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8
    )
    transformers.ViTModel(config).save_pretrained(folder)
    settings = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def small_clip(folder):
    text = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
    vision = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = transformers.CLIPConfig(
        text_config=text, vision_config={**vision, "image_size": 16, "patch_size": 8}, projection_dim=6
    )
    transformers.CLIPModel(config).save_pretrained(folder)


def small_resnet(folder):
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic", num_labels=3
    )
    transformers.ResNetForImageClassification(config).save_pretrained(folder)


def test_embeddings_are_what_the_model_gives_for_the_prepared_image(vit):
    encoder = VisionEncoder.load(str(vit))
    assert encoder.facts.width == 16
    picture = disc(1, 32)
    pixels = torch.tensor(np.asarray(picture) / 127.5 - 1, dtype=torch.float32).permute(2, 0, 1)[None]
    model = transformers.ViTModel.from_pretrained(vit).eval()
    with torch.no_grad():
        wanted = model(pixel_values=pixels).last_hidden_state[:, 0].numpy()
    assert np.allclose(encoder.embed([picture]), wanted, atol=1e-5)


@pytest.mark.parametrize(("make", "width"), [(small_clip, 6), (small_resnet, 12)])
def test_clip_like_and_convolutional_models_give_vectors(tmp_path, make, width):
    make(tmp_path)
    _load.cache_clear()
    encoder = VisionEncoder.load(str(tmp_path))
    made = encoder.embed([disc(1), stripes(2), disc(1)])
    assert made.shape == (3, width)
    assert np.allclose(made[0], made[2])
    assert not np.allclose(made[0], made[1])


def test_a_collection_is_described_by_the_model_once(vit, tmp_path, monkeypatch):
    root = image_collection(tmp_path / "data", 4, 3)
    clip(root / "disc/film.mp4", [disc(n) for n in range(12)])
    (root / "disc/cut.png").write_bytes(b"no")
    table = read_collection(root, encoder=str(vit))
    assert table.features.columns[:2] == ["embedding 0", "embedding 1"]
    assert table.features.height == 8
    assert any("disc/cut.png" in warning for warning in table.warnings)
    monkeypatch.setattr(VisionEncoder, "embed", lambda *_: pytest.fail("it is in the cache"))
    again = read_collection(root, media=table.media)
    assert again.features.equals(table.features)


def test_other_weights_under_the_same_path_are_refused(vit, tmp_path):
    media = media_for(("image",), str(vit))
    picture = save(disc(3), tmp_path / "a.png")
    weights = next(vit.glob("*.safetensors"))
    content = weights.read_bytes()
    try:
        weights.write_bytes(content[:-4] + b"\0\0\0\0")
        _load.cache_clear()
        with pytest.raises(DataError, match="its weights differ"):
            extract([picture], media)
    finally:
        weights.write_bytes(content)
        _load.cache_clear()


def test_a_model_that_is_not_there_says_how_to_get_it(monkeypatch):
    with pytest.raises(UsageError, match="hf download nobody/nothing-like-this"):
        media_for(("image",), "nobody/nothing-like-this")


def test_a_language_model_is_no_vision_model(tmp_path):
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(DataError, match="no vision model"):
        media_for(("image",), str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    _load.cache_clear()
    with pytest.raises(DataError, match="cannot be loaded"):
        media_for(("image",), str(tmp_path))
