"""A table's encoding with its text columns beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steelyard.features._base import FittedEncoder
from steelyard.features.matrix import TableMatrix
from steelyard.features.text import Projection, TfIdf

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class WithText(FittedEncoder):
    """Encoded columns, then weighed n-grams: sparse, or projected to some dense columns.

    Attributes
    ----------
    table : FittedEncoder
        Encoding of the other columns.
    tf_idf : TfIdf
    projection : Projection, optional
        For models that take dense rows only.
    """

    style: ClassVar[str] = "text"

    table: FittedEncoder
    tf_idf: TfIdf
    projection: Projection | None = None

    @classmethod
    def learn(cls, table: FittedEncoder, matrix: TableMatrix, *, sparse: bool, unweighed: int = 0) -> WithText:
        """Encoder of the given rows."""
        tf_idf = TfIdf.learn(matrix.text, unweighed)
        return cls(table, tf_idf, None if sparse else Projection.learn(tf_idf.transform(matrix.text)))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the output's columns; hashed n-grams have a number only."""
        kind, n = ("ngram", self.tf_idf.n_features)
        if self.projection is not None:
            kind, n = "text", self.projection.components.shape[1]
        return (*self.table.feature_names, *(f"{kind}{place}" for place in range(n)))

    @property
    def categorical_mask(self) -> NDArray[np.bool_]:
        """True for category codes; text has none."""
        mask = self.table.categorical_mask
        n = self.tf_idf.n_features if self.projection is None else self.projection.components.shape[1]
        return np.concatenate([mask, np.zeros(n, dtype=bool)])

    def transform(self, matrix: TableMatrix) -> NDArray[np.float64] | csr_array:
        """Rows as a float64 array, or as a float32 csr_array where text is kept sparse."""
        from scipy.sparse import csr_array, hstack

        weighed = self.tf_idf.transform(matrix.text)
        columns = self.table.transform(matrix)
        if self.projection is not None:
            return np.hstack([columns, self.projection.transform(weighed)])
        if not columns.shape[1]:
            return weighed
        return csr_array(hstack([csr_array(columns.astype(np.float32)), weighed], format="csr"))

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """State of the table's encoder, and the n-grams with their weights."""
        meta, arrays = self.table.to_state()
        arrays = arrays | self.tf_idf.to_arrays()
        if self.projection is not None:
            arrays |= self.projection.to_arrays()
        saved = {"style": self.style, "table": meta, "blocks": len(self.tf_idf.idf)}
        return {**saved, "unweighed": self.tf_idf.unweighed, "projected": self.projection is not None}, arrays

    @classmethod
    def _from_state(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> WithText:
        return cls(
            FittedEncoder.from_state(meta["table"], arrays),
            TfIdf.from_arrays(arrays, int(meta["blocks"]), int(meta.get("unweighed", 0))),
            Projection.from_arrays(arrays) if meta["projected"] else None,
        )
