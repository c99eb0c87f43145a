"""What a Transformers model is given for a row, and how rows become a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

#: Target of what has none.
IGNORED = -100


class Items(Protocol):
    """Inputs of examples, by their place."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> dict[str, Any]: ...
    def __iter__(self) -> Iterator[dict[str, Any]]: ...


@dataclass
class Examples:
    """Training or watched examples: what ``torch.utils.data`` asks of a data set.

    Parameters
    ----------
    items : sequence of dict
        Inputs of each example.
    labels, weights : list
        Class, or an array of those of its labels or tokens, with ``-100`` where there is none; and what it weighs.
    of_row : ndarray of int64
        Example that each row is in.
    ragged : bool
        Whether an example has a target for each of its tokens.
    """

    items: Items
    labels: list[Any]
    weights: list[Any]
    of_row: NDArray[np.int64]
    ragged: bool = False

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {**self.items[place], "labels": self.labels[place], "weight": self.weights[place]}


class Inputs(ABC):
    """Rows of one kind as a model takes them.

    Attributes
    ----------
    content : {"text", "image", "tokens"}
    what : str
        The same in a sentence.
    auto : str
        Class of ``transformers`` that makes the model.
    max_length : int
        Word pieces that are looked at.
    """

    content: ClassVar[str]
    what: ClassVar[str]
    auto: ClassVar[str]
    max_length: int

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, config: Any, said: str, max_length: int) -> Inputs:
        """Inputs by the tokenizer or the settings in a model's folder."""

    @abstractmethod
    def items(self, X: NDArray[Any], augment: int | None = None) -> Items:
        """Inputs of each example of some rows; with a seed, changed at random at each look."""

    def examples(
        self, X: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any], augment: int | None = None
    ) -> Examples:
        """Examples with their targets."""
        return Examples(self.items(X, augment), list(labels), list(weights), np.arange(len(X)))

    def whole(self, X: NDArray[Any], held: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Rows to hold out, so that what belongs together stays together."""
        return held

    @abstractmethod
    def batch(self, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Tensors of some inputs."""

    def collate(self, examples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Batch with its targets and weights."""
        import torch

        inputs = [{key: value for key, value in one.items() if key not in ("labels", "weight")} for one in examples]
        made = self.batch(inputs)
        for key in ("labels", "weight"):
            made[key] = torch.from_numpy(np.stack([np.asarray(one[key]) for one in examples]))
        return made

    def by_row(self, X: NDArray[Any], outputs: list[NDArray[np.float64]], items: Items) -> NDArray[np.float64]:
        """Logits (n_rows, n_outputs) from those of the examples."""
        return np.stack(outputs)

    @abstractmethod
    def sizes(self, items: Items) -> list[int]:
        """How long each example is: those of like size go together when they are predicted."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads beside the model's own files."""
