"""Files of a collection in the report: small pictures of what was won and lost, inside the page itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A file and what two arms took it for.

    Parameters
    ----------
    name : str
        Path below the collection's folder.
    label : str
        Its class.
    predicted, baseline : str
        What the best arm, and doing nothing, took it for.
    picture : bytes
        JPEG of at most a few kilobytes; empty where there is none.
    text : str
        The beginning of a text file.
    """

    name: str
    label: str
    predicted: str
    baseline: str
    picture: bytes = b""
    text: str = ""

    @property
    def source(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/jpeg;base64," + base64.b64encode(self.picture).decode("ascii")


@dataclass(frozen=True)
class ExampleGroup:
    """Examples of one kind.

    Parameters
    ----------
    kind : {"won", "lost", "wrong"}
        Right by the best arm alone, right by doing nothing alone, or wrong by both (by the only one, where doing
        nothing is the best arm). Where a row may have several labels, or a sentence several entities: fewer of them
        wrong, more, or as many.
    total : int
        How many there are.
    shown : sequence of Example
    unit : {"file", "text", "sentence"}
        What they are.
    several : bool
        Whether they may have several labels.
    """

    kind: str
    total: int
    shown: Sequence[Example]
    unit: str = "file"
    several: bool = False
