"""Small Transformers models with random weights in folders, and data that they can learn."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

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


def write_table(path: Path, header: list[str], *columns: list[Any]) -> Path:
    """A CSV file of plain values."""
    lines = [",".join(header), *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path
