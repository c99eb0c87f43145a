"""What column names may not be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from steelyard.errors import DataError


def check_names(where: Path | str, names: Sequence[str]) -> None:
    """Raise a DataError when there are no column names, or blank or repeated ones."""
    if not names:
        raise DataError(f"{where} has no columns")
    blank = [number for number, name in enumerate(names, 1) if not name.strip()]
    if blank:
        hint = "; a row number that pandas wrote? write with index=False" if blank == [1] and len(names) > 1 else ""
        raise DataError(f"{where}: column {blank[0]} has a blank name: give every column a name{hint}")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(
            f"{where}: column name {', '.join(map(repr, repeated))} occurs more than once: rename all but one"
        )
