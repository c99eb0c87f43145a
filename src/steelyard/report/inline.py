"""A report that opens where it is made: in a cell of a notebook."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from steelyard.files import write_text


@dataclass(frozen=True)
class InlineReport:
    """A report as a value: the last line of a notebook's cell shows it.

    Attributes
    ----------
    html : str
        The whole page.
    height : int
        Pixels of the frame in a notebook.
    """

    html: str = field(repr=False)
    height: int = 720

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, which is there whole or not at all."""
        target = Path(path)
        write_text(target, self.html)
        return target

    def _repr_html_(self) -> str:
        # A frame keeps the notebook's style out of the page and the page's out of the notebook; it may run nothing.
        return (
            f'<iframe title="Steelyard report" sandbox="allow-same-origin" srcdoc="{escape(self.html)}" '
            f'style="width:100%;height:{self.height}px;border:1px solid currentColor"></iframe>'
        )
