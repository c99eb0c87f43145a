"""What a learned encoding is, whichever way it sees the rows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ArtifactError
from steelyard.features.matrix import TableMatrix

#: Saved style -> encoder; each encoder enters itself.
_STYLES: dict[str, type[FittedEncoder]] = {}


class FittedEncoder(ABC):
    """Encoding with everything it learned.

    Attributes
    ----------
    style : {"onehot", "ordinal", "text"}
    """

    style: ClassVar[str]

    def __init_subclass__(cls) -> None:
        _STYLES[cls.style] = cls

    @property
    @abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """Names of the output's columns."""

    @abstractmethod
    def transform(self, matrix: TableMatrix) -> Any:
        """Rows as a C-contiguous float64 array, or a sparse csr_array, of shape (n_rows, n_features)."""

    @property
    @abstractmethod
    def categorical_mask(self) -> NDArray[np.bool_]:
        """True, of shape (n_features,), for the columns that hold category codes."""

    @property
    def families(self) -> NDArray[np.int64]:
        """Number of each column's family, shape (n_features,), counted from 0.

        Columns of one origin are a family: the categories of a column, a number and whether it was missing, and those
        whose names differ by a number at the end alone (``pixel 0``, ``pixel 1``).
        """
        stems = [_family_name(name) for name in self.feature_names]
        places = {stem: place for place, stem in enumerate(dict.fromkeys(stems))}
        return np.array([places[stem] for stem in stems], dtype=np.int64)

    @abstractmethod
    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What was learned: a JSON-safe dict, and arrays for a safetensors file."""

    @staticmethod
    def from_state(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> FittedEncoder:
        """Encoder from :meth:`to_state`'s dict and arrays.

        Raises
        ------
        ArtifactError
            When a part is missing or unknown.
        """
        try:
            fitted = _STYLES[meta["style"]]
            return fitted._from_state(meta, arrays)
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"the saved encoder is damaged: {error}") from None

    @classmethod
    @abstractmethod
    def _from_state(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> FittedEncoder: ...


def _family_name(name: str) -> str:
    return re.sub(r"[ _.-]?\d+$", "", name.partition("=")[0].removesuffix(" (missing)"))
