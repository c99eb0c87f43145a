"""The rows of a table under a schema: numbers and category codes, before any encoding is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    Examples
    --------
    >>> import numpy as np
    >>> matrix = TableMatrix(np.array([[1.0], [2.0]]), np.array([[0], [-1]], dtype=np.int32))
    >>> len(matrix), matrix.take([1]).numeric
    (2, array([[2.]]))
    """

    numeric: NDArray[np.float64]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.numeric.shape[0])

    def take(self, rows: Any) -> TableMatrix:
        """Matrix of the given rows: positions, a boolean mask or a slice."""
        return TableMatrix(self.numeric[rows], self.codes[rows])
