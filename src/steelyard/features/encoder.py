"""Encodings of a table's rows for models, learned from the training rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError, UnknownNameError
from steelyard.features._base import FittedEncoder
from steelyard.features.matrix import MISSING, UNKNOWN, TableMatrix
from steelyard.features.normal_scores import NormalScores
from steelyard.features.raw import Raw
from steelyard.features.scaling import Scaling
from steelyard.features.schema import TableSchema
from steelyard.features.with_text import WithText

Style = Literal["onehot", "ordinal", "normal", "raw"]
#: A category seen fewer times than this in the fitted rows gets no column of its own.
_MIN_COUNT = 2


@dataclass(frozen=True)
class TableEncoder:
    """How a model wants to see a table.

    Parameters
    ----------
    style : {"onehot", "ordinal", "normal", "raw"}
        ``"onehot"``, for linear models and networks: numbers with missing ones set to the median,
        standardised (a column constant in the fitted rows becomes 0); a 0/1 column for "was missing" where
        the fitted rows had missing values; a 0/1 column per category seen at least twice, and one for
        "missing" where it was seen. Other categories are all zeros. ``"ordinal"``, for trees: numbers as they
        are and category codes, NaN where missing or unknown. ``"normal"``: as ``"onehot"``, but numbers become
        normal scores (their rank as a quantile of a normal distribution), so that none is far out. ``"raw"``, for
        models that read texts and files themselves: those, as objects, and nothing else.

    sparse : bool
        Whether text columns are kept as sparse n-grams, or projected to dense columns.

    Raises
    ------
    UnknownNameError
        When there is no such style.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1.0, 2.0, None, 3.0], "colour": ["red", "blue", "red", None]})
    >>> schema = TableSchema.infer(frame)
    >>> matrix = schema.extract(frame)
    >>> encoder = TableEncoder("onehot").fit(matrix, schema)
    >>> encoder.feature_names
    ('size', 'size (missing)', 'colour=red', 'colour (missing)')
    >>> encoder.transform(matrix).round(2)
    array([[-1.41,  0.  ,  1.  ,  0.  ],
           [ 0.  ,  0.  ,  0.  ,  0.  ],
           [ 0.  ,  1.  ,  1.  ,  0.  ],
           [ 1.41,  0.  ,  0.  ,  1.  ]])
    """

    style: Style = "onehot"
    sparse: bool = False

    def __post_init__(self) -> None:
        if self.style not in get_args(Style):
            raise UnknownNameError("encoding", self.style, get_args(Style))

    def fit(self, matrix: TableMatrix, schema: TableSchema) -> FittedEncoder:
        """Learn from the given rows, and from no others.

        Raises
        ------
        DataError
            When there are no rows.
        """
        if len(matrix) == 0:
            raise DataError("an encoder cannot be fitted on no rows")
        if self.style == "raw":
            return Raw.learn(matrix, schema)
        table = _LEARNED[self.style].learn(matrix, schema)
        if not matrix.text:
            return table
        return WithText.learn(table, matrix, sparse=self.sparse, unweighed=len(schema.tokens))


@dataclass(frozen=True, eq=False)
class Ordinal(FittedEncoder):
    """Numbers as they are and category codes, NaN where missing or unknown."""

    style: ClassVar[str] = "ordinal"

    names: tuple[str, ...]
    n_numeric: int

    @classmethod
    def learn(cls, matrix: TableMatrix, schema: TableSchema) -> Ordinal:
        """Encoder for the schema's columns; the rows teach it nothing."""
        return cls((*schema.numbers, *schema.categorical), len(schema.numbers))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the output's columns."""
        return self.names

    @property
    def categorical_mask(self) -> NDArray[np.bool_]:
        """True for the category codes, which stand last."""
        return np.arange(len(self.feature_names)) >= self.n_numeric

    def transform(self, matrix: TableMatrix) -> NDArray[np.float64]:
        """Rows as float64, shape (n_rows, n_numeric + n_categorical)."""
        out = np.empty((len(matrix), len(self.feature_names)))
        out[:, : self.n_numeric] = matrix.numeric
        out[:, self.n_numeric :] = np.where(matrix.codes < 0, np.nan, matrix.codes)
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Names and the number of numeric columns; no arrays."""
        meta = {"style": self.style, "feature_names": list(self.feature_names), "n_numeric": self.n_numeric}
        return meta, {}

    @classmethod
    def _from_state(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Ordinal:
        return cls(tuple(meta["feature_names"]), int(meta["n_numeric"]))


@dataclass(frozen=True, eq=False)
class OneHot(FittedEncoder):
    """Standardised numbers, missing indicators and one 0/1 column per category."""

    style: ClassVar[str] = "onehot"
    scales: ClassVar[type[Scaling] | type[NormalScores]] = Scaling

    names: tuple[str, ...]
    scaling: Scaling | NormalScores
    #: Numeric columns that had missing values in the fitted rows, shape (n_numeric,).
    indicated: NDArray[np.bool_]
    #: For each categorical column, from code + 2 to the output column, or -1 for none.
    lookup: tuple[NDArray[np.int64], ...]

    @classmethod
    def learn(cls, matrix: TableMatrix, schema: TableSchema) -> OneHot:
        """Encoder with the medians, means, deviations and categories of the given rows."""
        indicated: NDArray[np.bool_] = np.asarray(np.isnan(matrix.numeric).any(axis=0))
        names = [*schema.numbers]
        names += [f"{name} (missing)" for name, flag in zip(schema.numbers, indicated, strict=True) if flag]
        lookup = []
        for position, (name, categories) in enumerate(zip(schema.categorical, schema.categories, strict=True)):
            shifted = matrix.codes[:, position] - UNKNOWN
            counts = np.bincount(shifted, minlength=len(categories) - UNKNOWN)
            wanted = counts >= _MIN_COUNT
            wanted[0] = False
            wanted[MISSING - UNKNOWN] = counts[MISSING - UNKNOWN] > 0
            # Categories first and "missing" last: the order a reader expects.
            order = np.roll(np.flatnonzero(wanted), -int(wanted[MISSING - UNKNOWN]))
            table = np.full(counts.size, -1, dtype=np.int64)
            table[order] = len(names) + np.arange(order.size)
            lookup.append(table)
            for code in order + UNKNOWN:
                names.append(f"{name} (missing)" if code == MISSING else f"{name}={categories[code]}")
        return cls(tuple(names), cls.scales.learn(matrix.numeric), indicated, tuple(lookup))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the output's columns."""
        return self.names

    @property
    def categorical_mask(self) -> NDArray[np.bool_]:
        """False throughout: there are no codes left."""
        return np.zeros(len(self.feature_names), dtype=bool)

    def transform(self, matrix: TableMatrix) -> NDArray[np.float64]:
        """Rows as float64: numbers, indicators, then the categories' columns."""
        out = np.zeros((len(matrix), len(self.feature_names)))
        n_numeric, n_indicated = self.indicated.size, int(self.indicated.sum())
        out[:, :n_numeric] = self.scaling.transform(matrix.numeric)
        out[:, n_numeric : n_numeric + n_indicated] = np.isnan(matrix.numeric[:, self.indicated])
        for position, table in enumerate(self.lookup):
            column = table[matrix.codes[:, position] - UNKNOWN]
            rows = np.flatnonzero(column >= 0)
            out[rows, column[rows]] = 1.0
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Names; medians, means, deviations and the columns of the categories."""
        sizes = np.array([table.size for table in self.lookup], dtype=np.int64)
        flat = np.concatenate([np.empty(0, dtype=np.int64), *self.lookup])
        arrays = {
            **self.scaling.to_arrays(),
            "indicated": self.indicated,
            "lookup": flat,
            "lookup_sizes": sizes,
        }
        return {"style": self.style, "feature_names": list(self.feature_names)}, arrays

    @classmethod
    def _from_state(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> OneHot:
        cuts = np.cumsum(arrays["lookup_sizes"])[:-1]
        lookup = np.split(arrays["lookup"], cuts) if arrays["lookup_sizes"].size else []
        indicated = arrays["indicated"].astype(bool)
        return cls(tuple(meta["feature_names"]), cls.scales.from_arrays(arrays), indicated, tuple(lookup))


@dataclass(frozen=True, eq=False)
class Normal(OneHot):
    """Normal scores of the numbers; the rest as in :class:`OneHot`."""

    style: ClassVar[str] = "normal"
    scales: ClassVar[type[Scaling] | type[NormalScores]] = NormalScores


_LEARNED: dict[str, type[OneHot] | type[Ordinal]] = {"onehot": OneHot, "ordinal": Ordinal, "normal": Normal}
