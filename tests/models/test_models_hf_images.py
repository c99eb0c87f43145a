"""Fine-tuning on folders of images, and frozen encoders of texts and images, from end to end."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from finetune_cases import bert, pictures, sentences, torch, transformers, vit, write_table

from steelyard.artifact import load_model
from steelyard.cli.main import main
from steelyard.errors import ArtifactError
from steelyard.features.text_encoder import TextEncoder, _load
from steelyard.models._finetune.images import Pictures, augmented

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def text_model(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEELYARD_CACHE", str(tmp_path / "cache"))
    _load.cache_clear()


def test_a_folder_of_images_is_learned_and_new_ones_are_sorted(tmp_path, capsys):
    data, folder = pictures(tmp_path / "data", {"ruby": 24, "leaf": 18, "sky": 10}), vit(tmp_path / "vit")
    model = f"hf('{folder}', epochs=6, batch=4, learning_rate=0.01)"
    out = tmp_path / "model"
    arm = ["--model", model, "--strategy", "mixup + multipliers", "--folds", "2", "--jobs", "1"]
    assert main(["train", str(data), *arm, "--out", str(out)]) == 0
    assert load_model(out).decision.to_state()["name"].startswith("multipliers")
    unsorted = pictures(tmp_path / "new", {"ruby": 3, "sky": 3}, seed=1)
    assert main(["sort", str(out), str(unsorted), "--into", str(tmp_path / "sorted"), "--json"]) == 0
    files = json.loads(capsys.readouterr().out.splitlines()[-1])["files"]
    assert sum(file["label"] in file["file"].rsplit("/", 1)[1] for file in files) >= 5
    # The tuned model is one of Transformers' own.
    tuned = transformers.AutoModelForImageClassification.from_pretrained(out / "checkpoint")
    assert tuned.config.num_labels == 3
    assert (out / "checkpoint" / "preprocessor_config.json").is_file()


def test_each_look_at_a_picture_is_another_one_and_the_same_for_the_same_seed(tmp_path):
    from steelyard.features.media.vision import Preparation

    pictures(tmp_path, {"ruby": 2})
    files = sorted((tmp_path / "ruby").iterdir())
    prepare = Preparation((8, 8), None, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    first, again = Pictures([*files], prepare, 3), Pictures([*files], prepare, 3)
    looks = [[shown[0]["pixel_values"] for _ in range(3)] for shown in (first, again)]
    assert np.array_equal(looks[0], looks[1])
    assert not np.array_equal(looks[0][0], looks[0][1])
    still = Pictures([*files], prepare, None)
    assert np.array_equal(still[1]["pixel_values"], still[1]["pixel_values"])
    assert still[1]["pixel_values"].shape == (3, 8, 8)
    image = pytest.importorskip("PIL.Image").open(files[0])
    mirrored = [augmented(image, (8, 12), np.random.default_rng(seed)).size for seed in range(9)]
    assert set(mirrored) == {(12, 8)}


def test_texts_are_embedded_as_the_mean_of_their_pieces_and_only_once(text_model, monkeypatch):
    texts = ["good w1", "w2 bad w3 w4", "good w1", ""]
    encoder = TextEncoder.load(str(text_model))
    made = encoder.embed(texts)
    model = transformers.AutoModel.from_pretrained(text_model).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(text_model)
    with torch.no_grad():
        hidden = model(**tokenizer(texts[1], return_tensors="pt")).last_hidden_state[0]
    np.testing.assert_allclose(made[1], hidden.mean(dim=0).numpy(), atol=1e-5)
    assert np.array_equal(made[0], made[2])
    monkeypatch.setattr(TextEncoder, "_through", lambda *_: pytest.fail("it is in the cache"))
    assert np.array_equal(encoder.embed(texts), made)


def test_a_frozen_encoder_stands_under_tables_of_texts(text_model, tmp_path, capsys):
    texts, labels = sentences(150)
    size = [row % 7 for row in range(len(texts))]
    table = write_table(tmp_path / "texts.csv", ["text", "size", "label"], texts, size, labels)
    out = tmp_path / "model"
    options = ["--target", "label", "--text", "text", "--encoder", str(text_model), "--out", str(out)]
    arm = ["--model", "mlp", "--strategy", "inverse + multipliers", "--folds", "2", "--jobs", "1"]
    assert main(["train", str(table), *options, *arm]) == 0
    trained = load_model(out)
    assert (trained.predict(pl.read_csv(table)) == np.array(labels)).mean() > 0.7
    assert len(trained.schema.numbers) == 17
    assert main(["predict", str(out), str(table), "--proba", "--output", str(tmp_path / "p.csv")]) == 0
    found = pl.read_csv(tmp_path / "p.csv").select("^p:.*$").to_numpy()
    np.testing.assert_array_equal(found, trained.predict_proba(pl.read_csv(table)))
    numbers = write_table(tmp_path / "numbers.csv", ["a", "label"], [3, 1, 2] * 20, labels[:60])
    capsys.readouterr()
    asked = ["--target", "label", "--encoder", str(text_model), "--out", str(tmp_path / "m")]
    assert main(["train", str(numbers), *asked, "--model", "linear"]) == 2
    assert "takes texts, and no column holds any" in capsys.readouterr().err
    # Weights that are not those of the training are refused.
    weights = next(text_model.glob("*.safetensors"))
    content = weights.read_bytes()
    try:
        weights.write_bytes(content[:-4] + b"\0\0\0\0")
        _load.cache_clear()
        with pytest.raises(ArtifactError, match="its weights differ"):
            load_model(out)
    finally:
        weights.write_bytes(content)


def test_a_folder_of_texts_is_embedded_and_sorted(text_model, tmp_path, capsys):
    texts, labels = sentences(60)
    for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
        place = tmp_path / "data" / label
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_text(f"{text} w{number % 20} w{number // 20}")
    new = tmp_path / "new"
    new.mkdir()
    for number, (text, label) in enumerate(zip(texts[:12], labels, strict=False)):
        (new / f"{label} {number}.txt").write_text(text)
    asked = ["--encoder", str(text_model), "--model", "linear", "--strategy", "inverse", "--out", str(tmp_path / "m")]
    assert main(["train", str(tmp_path / "data"), *asked]) == 0
    capsys.readouterr()
    assert main(["sort", str(tmp_path / "m"), str(new), "--into", str(tmp_path / "sorted"), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert sum(f"/{file['label']} " in file["file"] for file in files) >= 9
