"""Labels (or weights) of the rows a dataset really gives, through subsets and concatenations of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steelyard.errors import DataError, UsageError
from steelyard.labels import native

_NAMES = ("targets", "labels", "label", "y")


def values_of(dataset: Any, labels: Any = None) -> Any:
    """One value for each row of a dataset.

    Parameters
    ----------
    dataset : object with a length
        A ``Subset`` (has ``dataset`` and ``indices``) and a ``ConcatDataset`` (has ``datasets``) are looked into.
    labels : str or array-like, optional
        Name of the attribute or column that holds them; or the values themselves, of the dataset or, for a
        ``Subset``, of the whole that it was taken from. By default they are looked for.

    Raises
    ------
    DataError
        When there are none, or not as many as rows.
    UsageError
        When given values could belong to a ``Subset`` or to its whole.
    """
    if labels is None or isinstance(labels, str):
        found = _found(dataset, labels)
    else:
        found = _given(dataset, native(labels))
    if len(found) != len(dataset):
        raise DataError(f"{len(found)} labels for a dataset of {len(dataset)} rows: every row needs its own")
    return found


def _given(dataset: Any, labels: Any) -> Any:
    if not hasattr(labels, "__len__"):
        labels = list(labels)
    if not _is_subset(dataset):
        return labels
    whole, indices = _flattened(dataset)
    if len(labels) == len(dataset):
        if len(labels) == len(whole) and not np.array_equal(indices, np.arange(len(indices))):
            raise UsageError(
                f"the {len(labels)} labels could be in the order of the subset or of the whole, which are equally "
                "long: make the sampler from them directly, in the order of the subset"
            )
        return labels
    if len(labels) != len(whole):
        raise DataError(f"{len(labels)} labels for a subset of {len(dataset)} out of {len(whole)} rows")
    return take(labels, indices)


def _found(dataset: Any, name: str | None) -> Any:
    if _is_subset(dataset):
        whole, indices = _flattened(dataset)
        return take(values_of(whole, name), indices)
    if hasattr(dataset, "datasets"):
        return _joined(list(dataset.datasets), name)
    for attribute in _NAMES if name is None else (name,):
        values = getattr(dataset, attribute, None)
        if values is None and attribute in (getattr(dataset, "column_names", None) or ()):
            values = dataset[attribute]
        if values is not None:
            return native(values) if hasattr(values, "__len__") else list(values)
    if name is None and getattr(dataset, "tensors", None):
        return native(dataset.tensors[-1])
    looked = " or ".join(_NAMES) if name is None else name
    raise DataError(f"a {type(dataset).__name__} has no {looked}: pass the labels of its rows as labels=...")


def _is_subset(dataset: Any) -> bool:
    return hasattr(dataset, "dataset") and hasattr(dataset, "indices")


def _flattened(dataset: Any) -> tuple[Any, Any]:
    """Dataset at the bottom of nested subsets, and the rows of it that the outermost one gives."""
    indices = np.asarray(native(dataset.indices), dtype=np.int64)
    while _is_subset(dataset := dataset.dataset):
        indices = np.asarray(native(dataset.indices), dtype=np.int64)[indices]
    return dataset, indices


def _joined(parts: Sequence[Any], name: str | None) -> Any:
    values = [values_of(part, name) for part in parts]
    names: list[Any] = [getattr(part, "classes", None) for part in parts]
    # Folders number their classes each for itself, so the same number may be another class in another part.
    if all(names) and any(list(one) != list(names[0]) for one in names):
        return [own[int(code)] for own, codes in zip(names, values, strict=True) for code in codes]
    arrays = [np.asarray(part) if not _is_ragged(part) else None for part in values]
    if all(array is not None and array.dtype.kind in "biuf" for array in arrays):
        return np.concatenate([array for array in arrays if array is not None])
    return [label for part in values for label in (part.tolist() if hasattr(part, "tolist") else part)]


def _is_ragged(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and any(hasattr(value, "__len__") for value in values)


def take(values: Any, indices: Any) -> Any:
    """Values at the given rows, in the container they came in where it can do that."""
    if isinstance(values, np.ndarray):
        return values[indices]
    if hasattr(values, "iloc"):
        return values.iloc[indices]
    if type(values).__module__.partition(".")[0] == "polars":
        return values[indices]
    return [values[row] for row in indices.tolist()]
