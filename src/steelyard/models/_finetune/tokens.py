"""Sentences of tokens as word pieces; the first piece of a word stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.features.checkpoint import quiet_transformers
from steelyard.models._finetune.inputs import IGNORED, Examples, Inputs, Items
from steelyard.models._finetune.texts import load_tokenizer

#: Keys of an item that are not for the model: the row that each piece stands for, and -1 for those of none.
_ROWS = "rows"


@dataclass
class Sentences(Inputs):
    """Tagged tokens, in their sentences; a sentence of more than ``max_length`` pieces is read in parts."""

    content: ClassVar[str] = "tokens"
    what: ClassVar[str] = "tagged tokens"
    auto: ClassVar[str] = "AutoModelForTokenClassification"

    tokenizer: Any
    max_length: int

    @classmethod
    def load(cls, folder: Path, config: Any, said: str, max_length: int) -> Sentences:
        """Tokenizer of a model's folder, which has to say which word a piece is of."""
        tokenizer, longest = load_tokenizer(folder, config, said, max_length)
        if not tokenizer.is_fast:
            raise DataError(f"{said}: its tokenizer cannot tell which word a piece is of (it is no fast one)")
        return cls(tokenizer, longest)

    def items(self, X: NDArray[Any], augment: int | None = None) -> Items:
        """Pieces of each sentence, or of a part of a long one, with the rows of the words that begin there."""
        made: list[dict[str, Any]] = []
        for rows in _sentences(X):
            row_at = {X[row].place: row for row in rows}
            words = [word or " " for word in X[rows[0]].words]
            with quiet_transformers():
                found = self.tokenizer(
                    words, is_split_into_words=True, truncation=True, max_length=self.max_length,
                    return_overflowing_tokens=True,
                )  # fmt: skip
            seen: set[int] = set()
            for part in range(len(found["input_ids"])):
                places = []
                for word in found.word_ids(part):
                    places.append(-1 if word is None or word in seen else row_at.get(word, -1))
                    seen.add(-1 if word is None else word)
                keys = [key for key in found if key != "overflow_to_sample_mapping"]
                made.append({**{key: found[key][part] for key in keys}, _ROWS: np.array(places)})
        return made

    def examples(
        self, X: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any], augment: int | None = None
    ) -> Examples:
        """Sentences with a target for the first piece of each of their words."""
        items = self.items(X)
        of_row = np.zeros(len(X), dtype=np.int64)
        targets, weighed = [], []
        for number, item in enumerate(items):
            rows, first = item[_ROWS], item[_ROWS] >= 0
            of_row[rows[first]] = number
            targets.append(np.where(first, labels[rows], IGNORED))
            weighed.append(np.where(first, weights[rows], 0).astype(np.float32))
        return Examples(items, targets, weighed, of_row, ragged=True)

    def whole(self, X: NDArray[Any], held: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whole sentences: in their order, as many tokens as there were to be held out."""
        out = np.zeros(len(X), dtype=bool)
        wanted = int(held.sum())
        # Sentences with the largest share of chosen tokens first, so that all classes stay represented.
        sentences = sorted(_sentences(X), key=lambda rows: -held[rows].mean())
        for rows in sentences[: max(1, len(sentences) // 5)]:
            if out.sum() >= wanted:
                break
            out[rows] = True
        return out if wanted else held

    def batch(self, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Batch padded to its own longest sentence."""
        given = [{key: value for key, value in item.items() if key != _ROWS} for item in items]
        with quiet_transformers():
            return dict(self.tokenizer.pad(given, padding=True, return_tensors="pt"))

    def collate(self, examples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Batch with targets and weights, padded as the pieces are."""
        import torch

        keys = ("labels", "weight")
        made = self.batch([{key: value for key, value in one.items() if key not in keys} for one in examples])
        shape = tuple(made["input_ids"].shape)
        labels, weight = np.full(shape, IGNORED, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        for row, one in enumerate(examples):
            n = len(one["labels"])
            span = slice(0, n) if self.tokenizer.padding_side == "right" else slice(shape[1] - n, None)
            labels[row, span], weight[row, span] = one["labels"], one["weight"]
        return {**made, "labels": torch.from_numpy(labels), "weight": torch.from_numpy(weight)}

    def by_row(self, X: NDArray[Any], outputs: list[NDArray[np.float64]], items: Items) -> NDArray[np.float64]:
        """Logits of each word's first piece; a word without pieces, as of control characters, gets their mean."""
        made = np.full((len(X), outputs[0].shape[1]), np.nan)
        for item, logits in zip(items, outputs, strict=True):
            rows, n = item[_ROWS], len(item[_ROWS])
            own = logits[:n] if self.tokenizer.padding_side == "right" else logits[len(logits) - n :]
            made[rows[rows >= 0]] = own[rows >= 0]
        lost = np.isnan(made[:, 0])
        if lost.any():
            made[lost] = 0.0 if lost.all() else made[~lost].mean(axis=0)
        return made

    def sizes(self, items: Items) -> list[int]:
        """Numbers of pieces."""
        return [len(item["input_ids"]) for item in items]

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        self.tokenizer.save_pretrained(folder)


def _sentences(X: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Rows of each sentence, in the order in which they stand."""
    together: dict[int, list[int]] = {}
    for row, token in enumerate(X):
        together.setdefault(id(token.words), []).append(row)
    return [np.array(rows) for rows in together.values()]
