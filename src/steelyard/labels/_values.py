"""Single labels: what is missing, how they are sorted, and the libraries they come wrapped in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from steelyard.errors import UsageError


def native(y: Any) -> Any:
    """Labels out of their wrapper: narwhals to its library, torch tensors and sparse matrices to NumPy."""
    library = library_of(y)
    if library == "narwhals":
        return y.to_native()
    if library == "torch":
        return y.detach().cpu().numpy()
    if library == "scipy" and hasattr(y, "toarray"):
        return y.toarray()
    return y


def is_missing(value: Any) -> bool:
    """Whether one label is missing: None, NaN, ``pandas.NA`` or ``NaT``; never a text."""
    if value is None:
        return True
    if isinstance(value, str):
        return False
    # pandas.NA has no truth value, so it is known by its type and not by comparing it with itself.
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.generic)) and bool(value != value)


def sort_labels(values: Iterable[Hashable]) -> list[Hashable]:
    """Labels in sorted order; labels that cannot be compared are ordered by their text.

    Examples
    --------
    >>> sort_labels([10, 9]), sort_labels([10, "a", 9])
    ([9, 10], [10, 9, 'a'])
    """
    values = list(values)
    try:
        return sorted(values)  # type: ignore[type-var]  # what cannot be compared is handled below
    except TypeError:
        return sorted(values, key=lambda value: (str(value), type(value).__name__))


def as_classes(classes: Iterable[Hashable]) -> tuple[Hashable, ...]:
    """Given classes as a tuple of Python scalars; a repeated or missing one is an error."""
    if isinstance(classes, str):
        raise UsageError(f"classes must be a collection of labels, not the text {classes!r}")
    found = tuple(scalar(value) for value in classes)
    if len(set(found)) < len(found) or any(is_missing(value) for value in found):
        raise UsageError(f"classes must be different and not missing: {listed(found)}")
    return found


def library_of(y: Any) -> str:
    return type(y).__module__.partition(".")[0]


def scalar(value: Any) -> Hashable:
    plain: Hashable = value.item() if isinstance(value, np.generic) else value
    return plain


def listed(values: Sequence[Any], most: int = 10) -> str:
    more = f", ... ({len(values)} in all)" if len(values) > most else ""
    return ", ".join(repr(value) for value in values[:most]) + more
