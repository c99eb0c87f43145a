"""The rows of a table under a schema: numbers, category codes and counted words, before any encoding is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl
    from scipy.sparse import csr_array

#: Code of a missing category.
MISSING = -1
#: Code of a category the schema does not know, or that is too rare to have a code.
UNKNOWN = -2


@dataclass(frozen=True, eq=False)
class TableMatrix:
    """Numeric columns and category codes of some rows.

    Attributes
    ----------
    numeric : ndarray of float64, shape (n_rows, n_numeric)
        NaN where missing, never infinite.
    codes : ndarray of int32, shape (n_rows, n_categorical)
        Position in the column's categories, -1 where missing, -2 where unknown.
    text : tuple of csr_array of float32, shape (n_rows, n_hashed)
        Counted n-grams of the text columns: for each column, one matrix for each way of counting; then the named
        features of each column of tokens.
    raw : polars.DataFrame, optional
        Texts, paths of files and words as they were read, for models that read them themselves. It is not cut: a
        token's sentence stays whole.
    raw_rows : ndarray of int64, shape (n_rows,), optional
        Row of ``raw`` that each row is; None where they are the same.

    Examples
    --------
    >>> import numpy as np
    >>> matrix = TableMatrix(np.array([[1.0], [2.0]]), np.array([[0], [-1]], dtype=np.int32))
    >>> len(matrix), matrix.take([1]).numeric
    (2, array([[2.]]))
    """

    numeric: NDArray[np.float64]
    codes: NDArray[np.int32]
    text: tuple[csr_array, ...] = ()
    raw: pl.DataFrame | None = None
    raw_rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.numeric.shape[0])

    def take(self, rows: Any) -> TableMatrix:
        """Matrix of the given rows: positions, a boolean mask or a slice."""
        raw_rows = None
        if self.raw is not None:
            raw_rows = (np.arange(len(self)) if self.raw_rows is None else self.raw_rows)[rows]
        text = tuple(block[rows] for block in self.text)
        return TableMatrix(self.numeric[rows], self.codes[rows], text, self.raw, raw_rows)
