"""Which rows there are, and who makes inputs of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from steelyard.errors import UsageError
from steelyard.models._finetune.inputs import Inputs


def kind_of_rows(X: NDArray[Any]) -> str:
    """``"text"``, ``"image"`` or ``"tokens"``, from what the rows are.

    Raises
    ------
    UsageError
        When they are files that are no images.
    """
    first = next((row for row in X if row is not None), None)
    if isinstance(first, tuple):
        return "tokens"
    if not isinstance(first, Path):
        return "text"
    from steelyard.features.media import kind_of

    other = next((row for row in X if row is not None and kind_of(row) != "image"), None)
    if other is not None:
        raise UsageError(f"hf takes images or texts, and {other.name} is neither; use --encoder for videos")
    return "image"


def inputs_for(kind: str) -> type[Inputs]:
    """Class of the inputs of a kind of rows."""
    if kind == "tokens":
        from steelyard.models._finetune.tokens import Sentences

        return Sentences
    if kind == "image":
        from steelyard.models._finetune.images import Images

        return Images
    from steelyard.models._finetune.texts import Texts

    return Texts
