"""Small Transformers models with random weights in folders, and data that they can learn."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

KEYS = {"common": "good", "mid": "odd", "rare": "bad"}
_MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [*_MARKS, *(f"w{n}" for n in range(20)), *KEYS.values(), "up", "##ly", "##town"]


def bert(folder: Path) -> Path:
    """A BERT of one layer with a word-piece tokenizer; weights large enough to learn in a few steps."""
    pieces = tokenizers.models.WordPiece({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(pieces)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=32, **names).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=34,
        initializer_range=0.3,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return _saved(transformers.BertModel, config, folder)


def vit(folder: Path) -> Path:
    """A vision transformer for pictures of 16 x 16 pixels."""
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=16,
        patch_size=4,
        initializer_range=0.2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    settings = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    _saved(transformers.ViTModel, config, folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def _saved(kind: Any, config: Any, folder: Path) -> Path:
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        kind(config).save_pretrained(folder)
    return folder


def sentences(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts with one telling word each, and their labels: a sixth of them rare."""
    draw = random.Random(seed)
    labels = [("rare", "common", "mid", "common", "mid", "common")[row % 6] for row in range(n)]
    texts = []
    for label in labels:
        words = [f"w{draw.randrange(20)}" for _ in range(draw.randrange(2, 6))]
        words.insert(draw.randrange(len(words)), KEYS[label])
        texts.append(" ".join(words))
    return texts, labels


def pictures(root: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """Folders of small pictures, each in the colour of its class with noise over it."""
    image = pytest.importorskip("PIL.Image")
    colours = {"ruby": (200, 40, 40), "leaf": (40, 180, 60), "sky": (60, 90, 210)}
    draw = np.random.default_rng(seed)
    for label, n in counts.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(n):
            noise = draw.normal(0, 45, size=(20, 24, 3))
            values = np.clip(np.array(colours[label]) + noise, 0, 255).astype(np.uint8)
            image.fromarray(values).save(root / label / f"{label}{number}.png")
    return root


def write_table(path: Path, header: list[str], *columns: list[Any]) -> Path:
    """A CSV file of plain values."""
    lines = [",".join(header), *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def tagged(path: Path, n: int, seed: int = 0) -> Path:
    """A CoNLL file in which ``uply`` is a tag of its own, and ``good town`` an entity of two words."""
    draw = random.Random(seed)
    lines = []
    for _ in range(n):
        words = [(f"w{draw.randrange(20)}", "O") for _ in range(draw.randrange(3, 7))]
        if draw.random() < 0.8:
            words.insert(draw.randrange(len(words)), ("uply", "B-PER"))
        if draw.random() < 0.6:
            place = draw.randrange(len(words))
            words[place:place] = [("good", "B-LOC"), ("uptown", "I-LOC")]
        lines += [*(f"{word}\t{tag}" for word, tag in words), ""]
    path.write_text("\n".join(lines) + "\n")
    return path
