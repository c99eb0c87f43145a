"""Texts as word pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.checkpoint import load_part, quiet_transformers
from steelyard.models._finetune.inputs import Inputs, Items

#: Pieces that are pulled apart at once.
_AT_ONCE = 1000


@dataclass
class Texts(Inputs):
    """Texts, cut after ``max_length`` word pieces."""

    content: ClassVar[str] = "text"
    what: ClassVar[str] = "texts"
    auto: ClassVar[str] = "AutoModelForSequenceClassification"

    tokenizer: Any
    max_length: int

    @classmethod
    def load(cls, folder: Path, config: Any, said: str, max_length: int) -> Texts:
        """Tokenizer of a model's folder."""
        return cls(*load_tokenizer(folder, config, said, max_length))

    def items(self, X: NDArray[Any], augment: int | None = None) -> Items:
        """Word pieces of each text."""
        made: list[dict[str, Any]] = []
        for start in range(0, len(X), _AT_ONCE):
            some = [str(text) for text in X[start : start + _AT_ONCE]]
            with quiet_transformers():
                found = self.tokenizer(some, truncation=True, max_length=self.max_length)
            made += [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
        for item in made:
            if not item["input_ids"]:
                # A model without marks of beginning and end has nothing to look at in an empty text.
                item |= {key: [1] for key in item} | {"input_ids": [self.tokenizer.pad_token_id]}
        return made

    def batch(self, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Batch padded to its own longest text."""
        with quiet_transformers():
            return dict(self.tokenizer.pad(list(items), padding=True, return_tensors="pt"))

    def sizes(self, items: Items) -> list[int]:
        """Numbers of word pieces."""
        return [len(item["input_ids"]) for item in items]

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        self.tokenizer.save_pretrained(folder)


def load_tokenizer(folder: Path, config: Any, said: str, max_length: int) -> tuple[Any, int]:
    """Tokenizer that can pad, and the largest number of pieces it and the model take."""
    from transformers import AutoTokenizer

    tokenizer = load_part(AutoTokenizer, folder, f"the tokenizer of {said}")
    if not tokenizer.is_fast and not tokenizer.vocab_size:
        raise DataError(f"{said} has no tokenizer: its folder holds no tokenizer.json and no vocabulary")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise DataError(f"{said}: its tokenizer has no token to pad with (pad_token)")
        tokenizer.pad_token = tokenizer.eos_token
    config.pad_token_id = tokenizer.pad_token_id
    # RoBERTa's positions begin after its padding token; two are left out for all.
    positions = getattr(config, "max_position_embeddings", None) or max_length + 2
    return tokenizer, max(4, min(max_length, int(tokenizer.model_max_length), int(positions) - 2))
