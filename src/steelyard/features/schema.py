"""What kind each column of a table is, decided once on the training table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from steelyard.errors import ArtifactError, DataError, UsageError
from steelyard.features import columns as column_values
from steelyard.features.checkpoint import EncoderFacts
from steelyard.features.matrix import TableMatrix
from steelyard.features.text import LONGEST, count_ngrams
from steelyard.features.tokens import hash_features

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["numeric", "categorical", "text", "tokens", "file", "word", "sentence", "dropped"]

#: Further categories get no code of their own: boosting's histograms hold 255 bins, one of them for missing.
MAX_CATEGORIES = 254
#: Tables of up to this many rows are too small to tell an identifier from a feature.
_FEW_ROWS = 20
_DISTINCT_SHARE = 0.95
_MOSTLY_NUMBERS = 0.9

CONSTANT = "constant"
ALL_MISSING = "all missing"
ID_LIKE = "id-like: all values differ"
ROW_NUMBER = "id-like: a row number"
NESTED = "holds lists or objects"


@dataclass(frozen=True)
class ColumnSchema:
    """What one column is.

    Attributes
    ----------
    name : str
    kind : {"numeric", "categorical", "text", "tokens", "file", "word", "sentence", "dropped"}
        ``tokens``: a list of named features for each row. ``file``, ``word`` and ``sentence`` are for models that read
        files or sentences themselves; others do not see them.
    reason : str
        Why it is dropped; empty otherwise.
    categories : tuple of str
        Known categories, the most frequent first; equal counts by name.
    note : str
        A sentence about something odd, or empty.
    written : {"number", "date", "decimal_comma"}
        How the numbers of a numeric text column are written.
    encoder : EncoderFacts, optional
        The frozen model whose embeddings stand for a text.
    """

    name: str
    kind: Kind
    reason: str = ""
    categories: tuple[str, ...] = ()
    note: str = ""
    written: column_values.Written = "number"
    encoder: EncoderFacts | None = None


@dataclass(frozen=True)
class TableSchema:
    """Kinds of a table's feature columns.

    Attributes
    ----------
    columns : tuple of ColumnSchema
        In the order of the training table, dropped ones included.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"age": ["31", "NA", "7"], "sex": ["f", "m", "f"], "site": ["A", "A", "A"]})
    >>> schema = TableSchema.infer(frame)
    >>> [(column.name, column.kind) for column in schema.columns]
    [('age', 'numeric'), ('sex', 'categorical'), ('site', 'dropped')]
    >>> schema.warnings
    ("column 'site' is not used: constant.",)
    >>> schema.extract(frame).numeric.ravel()
    array([31., nan,  7.])
    """

    columns: tuple[ColumnSchema, ...]

    @classmethod
    def infer(
        cls,
        features: pl.DataFrame,
        text: Collection[str] = (),
        tokens: Collection[str] = (),
        roles: Mapping[str, Kind] | None = None,
    ) -> TableSchema:
        """Schema of a table from its values; labels play no part.

        The columns named in ``text`` are text, whatever they look like; those in ``tokens`` hold named
        features, and those in ``roles`` are what it says.

        A column is numeric when all its values are numbers (in text columns ``NA``, ``?``, ``-`` and the like
        then count as missing; ISO 8601 dates become seconds, and decimal commas are read), otherwise categorical.
        Booleans and pandas' categoricals are categorical. Strings of several words, most of them different, are
        text. Columns that cannot help on new rows are dropped with a reason: constant, all missing, row numbers,
        identifiers.

        Raises
        ------
        DataError
            When there are no rows, a value is infinite (column and row are named), or no column is left.
        """
        if features.height == 0:
            raise DataError("the table has no rows")
        absent = [name for name in text if name not in features.columns]
        if absent:
            raise DataError(
                f"there is no column {absent[0]!r} to read as text; there are {', '.join(features.columns)}"
            )
        schema = cls(
            tuple(
                ColumnSchema(column.name, "text")
                if column.name in text
                else ColumnSchema(column.name, "tokens")
                if column.name in tokens
                else ColumnSchema(column.name, roles[column.name])
                if roles and column.name in roles
                else _infer_column(column)
                for column in features.get_columns()
            )
        )
        if all(column.kind == "dropped" for column in schema.columns):
            raise DataError(f"the table has no usable feature column: {' '.join(schema.warnings)}")
        return schema

    @cached_property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return tuple(column.name for column in self.columns if column.kind == "numeric")

    @cached_property
    def written(self) -> tuple[column_values.Written, ...]:
        """How each numeric column is written where it is text."""
        return tuple(column.written for column in self.columns if column.kind == "numeric")

    @cached_property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical columns."""
        return tuple(column.name for column in self.columns if column.kind == "categorical")

    @cached_property
    def text(self) -> tuple[str, ...]:
        """Names of the text columns."""
        return tuple(column.name for column in self.columns if column.kind == "text")

    @cached_property
    def embedded(self) -> tuple[ColumnSchema, ...]:
        """Text columns that a frozen model turns into numbers."""
        return tuple(column for column in self.columns if column.kind == "text" and column.encoder is not None)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Names of the columns of ``TableMatrix.numeric``: the numeric ones, then those of embeddings."""
        places = ((column, place) for column in self.embedded for place in range(_width(column)))
        return (*self.numeric, *(f"{column.name} {place}" for column, place in places))

    def encoded_by(self, encoder: EncoderFacts) -> TableSchema:
        """Schema in which a frozen model turns the texts into numbers.

        Raises
        ------
        UsageError
            When there are no texts.
        """
        if not self.text:
            raise UsageError(f"--encoder {encoder.source} takes texts, and no column holds any; --text names one")
        return TableSchema(
            tuple(replace(column, encoder=encoder) if column.kind == "text" else column for column in self.columns)
        )

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Names of the columns of named features."""
        return tuple(column.name for column in self.columns if column.kind == "tokens")

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Name of the column of paths, if there is one."""
        return tuple(column.name for column in self.columns if column.kind == "file")

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Names of the columns of words and of the numbers of their sentences, if there are."""
        return tuple(column.name for kind in ("word", "sentence") for column in self.columns if column.kind == kind)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """Names of all columns that every model uses."""
        return (*self.numeric, *self.categorical, *self.text, *self.tokens)

    @cached_property
    def categories(self) -> tuple[tuple[str, ...], ...]:
        """Categories of each categorical column."""
        return tuple(column.categories for column in self.columns if column.kind == "categorical")

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each reason why columns are not used, and for each odd column."""
        dropped: dict[str, list[str]] = {}
        for column in self.columns:
            if column.kind == "dropped":
                dropped.setdefault(column.reason, []).append(repr(column.name))
        sentences = []
        for reason, names in dropped.items():
            shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
            one = len(names) == 1
            sentences.append(f"column{'' if one else 's'} {shown} {'is' if one else 'are'} not used: {reason}.")
        return (*sentences, *(column.note for column in self.columns if column.note))

    def extract(self, frame: pl.DataFrame) -> TableMatrix:
        """Rows of a table under this schema; columns may stand in any order, and others may be there too.

        Parameters
        ----------
        frame : polars.DataFrame, shape (n_rows, any)

        Returns
        -------
        TableMatrix
            ``numeric`` (n_rows, n_numbers) float64, ``codes`` (n_rows, n_categorical) int32, and the counted text.

        Raises
        ------
        DataError
            When used columns are missing (all are named), or a numeric column holds something else than a
            finite number (column, row and value are named).
        """
        absent = [name for name in self.used if name not in frame.columns]
        if absent:
            raise DataError(
                f"the table lacks the column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent))}, "
                "which the model was trained on"
            )
        numeric = np.empty((frame.height, len(self.numbers)))
        for position, (name, written) in enumerate(zip(self.numeric, self.written, strict=True)):
            values, bad = column_values.numbers(frame[name], written)
            column_values.check_numbers(frame[name], values, bad)
            numeric[:, position] = values
        if self.embedded:
            numeric[:, len(self.numeric) :] = np.hstack([_embed(frame[c.name], c.encoder) for c in self.embedded])
        codes = np.empty((frame.height, len(self.categorical)), dtype=np.int32)
        for position, (name, categories) in enumerate(zip(self.categorical, self.categories, strict=True)):
            codes[:, position] = column_values.codes(frame[name], categories)
        coded = {column.name for column in self.embedded}
        counted = [count_ngrams(column_values.text(frame[name])) for name in self.text if name not in coded]
        named = [hash_features(frame[name]) for name in self.tokens]
        blocks = (*(block for blocks in counted for block in blocks), *named)
        return TableMatrix(numeric, codes, blocks, self._raw(frame))

    def _raw(self, frame: pl.DataFrame) -> pl.DataFrame | None:
        import polars as pl

        columns = [column_values.text(frame[name]) for name in self.text]
        # Whoever only wants to know whether a model works gives no files.
        columns += [
            frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height)
            for name in (*self.files, *self.words)
        ]
        return pl.DataFrame(columns) if columns else None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"columns": [{**asdict(column), "categories": list(column.categories)} for column in self.columns]}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> TableSchema:
        """Schema from its JSON form.

        Raises
        ------
        ArtifactError
            When it is damaged.
        """
        try:
            return cls(
                tuple(
                    ColumnSchema(
                        **{
                            **column,
                            "categories": tuple(column["categories"]),
                            "encoder": EncoderFacts(**column["encoder"]) if column.get("encoder") else None,
                        }
                    )
                    for column in saved["columns"]
                )
            )
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"the saved table schema is damaged: {error}") from None


def _width(column: ColumnSchema) -> int:
    return 0 if column.encoder is None else column.encoder.width


def _embed(series: pl.Series, encoder: EncoderFacts | None) -> np.ndarray[Any, Any]:
    from steelyard.features.text_encoder import TextEncoder

    assert encoder is not None
    texts = column_values.text(series).fill_null("").to_list()
    return TextEncoder.load(encoder.source, encoder).embed([text[:LONGEST] for text in texts])


def _infer_column(series: pl.Series) -> ColumnSchema:
    import polars as pl

    name, kind = series.name, series.dtype
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        return ColumnSchema(name, "dropped", NESTED)
    if kind in (pl.Boolean, pl.Categorical, pl.Enum):
        return _categorical(column_values.text(series))
    values, bad = column_values.numbers(series)
    if kind != pl.String or (not bad.any() and not np.isnan(values).all()):
        return _numeric(series, values, bad)
    written = column_values.written_as(series)
    if written:
        return replace(_numeric(series, *column_values.numbers(series, written)), written=written)
    as_text = column_values.text(series)
    if as_text.null_count() == as_text.len():
        return ColumnSchema(name, "dropped", ALL_MISSING)
    return _categorical(as_text, _note(series, values, bad))


def _numeric(series: pl.Series, values: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> ColumnSchema:
    column_values.check_numbers(series, values, bad)
    missing = np.isnan(values)
    if missing.all():
        return ColumnSchema(series.name, "dropped", ALL_MISSING)
    # A single value beside missing ones is no constant: that it is missing may tell.
    if not missing.any():
        if (values == values[0]).all():
            return ColumnSchema(series.name, "dropped", CONSTANT)
        with np.errstate(over="ignore"):
            step = values[1] - values[0]
        if len(values) > _FEW_ROWS and abs(step) == 1 and values[0] % 1 == 0:
            # Compared with the line itself: differences of huge values would overflow.
            line = values[0] + step * np.arange(len(values))
            if (values == line).all():
                return ColumnSchema(series.name, "dropped", ROW_NUMBER)
    return ColumnSchema(series.name, "numeric")


def _categorical(series: pl.Series, note: str = "") -> ColumnSchema:
    import polars as pl

    values = series.drop_nulls()
    if values.is_empty():
        return ColumnSchema(series.name, "dropped", ALL_MISSING)
    counts = values.alias("category").value_counts(name="count")
    if counts.height == 1 and values.len() == series.len():
        return ColumnSchema(series.name, "dropped", CONSTANT)
    if values.len() > _FEW_ROWS and column_values.holds_text(series):
        return ColumnSchema(series.name, "text", note=note)
    if values.len() > _FEW_ROWS and counts.height > _DISTINCT_SHARE * values.len():
        return ColumnSchema(series.name, "dropped", ID_LIKE, note=note)
    ordered = counts.sort(["count", "category"], descending=[True, False])
    categories = tuple(ordered["category"].head(MAX_CATEGORIES).cast(pl.String).to_list())
    return ColumnSchema(series.name, "categorical", categories=categories, note=note)


def _note(series: pl.Series, values: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> str:
    """Sentence about a text column that was probably meant to be numeric, or nothing."""
    import polars as pl

    with_point = series.str.strip_chars().str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if (with_point.is_not_null() | ~pl.Series(bad)).all():
        return f"column {series.name!r} holds numbers with commas, for thousands or for decimals: write them without."
    known = int((~np.isnan(values)).sum())
    if known >= _MOSTLY_NUMBERS * (known + int(bad.sum())):
        row, n_bad = int(np.flatnonzero(bad)[0]), int(bad.sum())
        return (
            f"column {series.name!r} is not numeric because of {n_bad} value{'s' * (n_bad > 1)} like "
            f"{str(series[row])[:40]!r} (row {row + 1})."
        )
    return ""
