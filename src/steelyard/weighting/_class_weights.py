"""A weight for each class, with the names it belongs to."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steelyard import registry
from steelyard.counts import LabelCounts, count_labels
from steelyard.errors import DataError, MissingExtraError, UsageError
from steelyard.notebook import Bar, Cell, html_table
from steelyard.weighting._base import Normalize, Weighting


@dataclass(frozen=True, eq=False, repr=False)
class ClassWeights(Mapping[Hashable, float]):
    """Weight of each class: a read-only mapping from class to float, in the order of ``classes``.

    ``dict(weights)`` is what scikit-learn's ``class_weight=`` takes.

    Attributes
    ----------
    classes : tuple
        The classes.
    scheme : str
        Text form of the weighting that made the weights; empty when none did.

    Examples
    --------
    >>> weights = class_weights({"soccer": 80, "funny": 5}, "inverse", normalize="classes")
    >>> round(weights["funny"], 3), list(weights), weights.as_array().round(3)
    (1.882, ['funny', 'soccer'], array([1.882, 0.118]))
    """

    classes: tuple[Hashable, ...]
    array: NDArray[np.float64]
    scheme: str = ""

    def __post_init__(self) -> None:
        array = np.array(self.array, dtype=np.float64)
        if array.shape != (len(self.classes),):
            raise UsageError(f"weights have shape {array.shape}, but there are {len(self.classes)} classes")
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise UsageError(f"class weights must be finite and not below 0, not {array.tolist()}")
        array.flags.writeable = False
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "_place", {name: place for place, name in enumerate(self.classes)})

    def as_dict(self) -> dict[Hashable, float]:
        """Weight of each class by name."""
        return dict(zip(self.classes, self.array.tolist(), strict=True))

    def as_array(self) -> NDArray[np.float64]:
        """Weights in the order of ``classes``: float64 of shape (n_classes,), a copy."""
        return self.array.copy()

    def as_tensor(self, device: Any = None, dtype: Any = None) -> Any:
        """Weights in the order of ``classes`` as a torch tensor of shape (n_classes,), float32 unless asked.

        Raises
        ------
        MissingExtraError
            When torch is not installed.
        """
        try:
            import torch
        except ImportError:
            raise MissingExtraError("torch", "ClassWeights.as_tensor") from None
        return torch.tensor(self.array, dtype=dtype or torch.float32, device=device)

    def __getitem__(self, label: Hashable) -> float:
        place: dict[Hashable, int] = self._place  # type: ignore[attr-defined]  # set when made
        return float(self.array[place[label]])

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.array, dtype=dtype)

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    def _repr_html_(self) -> str:
        top = float(self.array.max()) if self.array.size else 1.0
        rows: list[list[Cell]] = [
            [str(name), weight, Bar(weight / (top or 1.0))] for name, weight in self.as_dict().items()
        ]
        return html_table(f"class weights: {self.scheme or 'given'}", ["class", "weight", ""], rows)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name!r}: {weight:.6g}" for name, weight in self.as_dict().items())
        return f"ClassWeights({{{inside}}}, scheme={self.scheme!r})"


def class_weights(
    counts: Any,
    scheme: str | Weighting | Mapping[Any, float] = "inverse",
    *,
    boost: Mapping[Any, float] | None = None,
    clip: tuple[float, float] | None = None,
    normalize: Normalize | Literal["scheme"] | None = "scheme",
) -> ClassWeights:
    """Weight of each class, from its count, by a scheme.

    The order is: raw scheme, ``boost``, ``normalize``, ``clip``.

    Parameters
    ----------
    counts : LabelCounts, mapping from class to count, or labels
        Anything that :func:`steelyard.count_labels` takes.
    scheme : str, Weighting or mapping, default "inverse"
        Text form ("inverse", "sqrt", "log", "effective_number(beta=0.999)", "median_frequency", "uniform"),
        the component itself, or weights by class (``manual``).
    boost, clip, normalize
        Modifiers, see :class:`steelyard.weighting.Weighting`; what is given here wins over what the scheme
        says. ``normalize`` is by default what the scheme says: "samples" unless it says otherwise.

    Returns
    -------
    ClassWeights
        A mapping; ``as_array()`` is float64 of shape (n_classes,).

    Raises
    ------
    UnknownNameError
        When no scheme of that name exists; the message lists them.
    UsageError
        When a modifier names no class, or ``clip`` cannot be met.
    DataError
        When there is no label at all.

    Warns
    -----
    UserWarning
        When classes have no rows. Their weight is formed as if they had one row.

    Examples
    --------
    >>> class_weights(["a"] * 9 + ["b"], "inverse")
    ClassWeights({'a': 0.555556, 'b': 5}, scheme='inverse')
    >>> class_weights({"a": 9, "b": 1}, "inverse", clip=(0.5, 3)).as_array().round(4)
    array([0.7778, 3.    ])
    """
    counted = counts if isinstance(counts, LabelCounts) else count_labels(counts)
    if not len(counted):
        raise DataError("there are no labels, so no class weights")
    weighting = _as_weighting(scheme)
    changes: dict[str, Any] = {"boost": boost, "clip": clip}
    changes = {key: value for key, value in changes.items() if value is not None}
    if normalize != "scheme":
        changes["normalize"] = normalize
    weighting = weighting.replace(**changes) if changes else weighting
    values = weighting.values(counted.classes, counted.counts)
    if absent := counted.absent:
        names = ", ".join(map(repr, absent[:10])) + (", ..." if len(absent) > 10 else "")
        warnings.warn(
            f"{len(absent)} of {len(counted)} classes have no rows ({names}): weighted as if they had one",
            UserWarning,
            stacklevel=2,
        )
    return ClassWeights(counted.classes, values, str(weighting))


def _as_weighting(scheme: Any) -> Weighting:
    if isinstance(scheme, str):
        scheme = registry.parse("weighting", scheme)
    elif isinstance(scheme, Mapping):
        scheme = registry.get("weighting", "manual")(weights=scheme)  # type: ignore[call-arg]
    if not isinstance(scheme, Weighting):
        raise UsageError(f"scheme must be a text, a Weighting or a mapping, not a {type(scheme).__name__}")
    return scheme
