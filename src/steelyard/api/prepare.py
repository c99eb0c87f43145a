"""From a raw table to the rows a study works on, with everything worth a warning said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.api.giveaways import give_away_warnings
from steelyard.api.label_sets import checked_label_sets, label_set_warnings, listed
from steelyard.data import Tokens, count_duplicates, duplicate_groups
from steelyard.engine import EngineData, Unlabelled
from steelyard.errors import DataError, UsageError
from steelyard.features import TableMatrix, TableSchema
from steelyard.features.checkpoint import EncoderFacts
from steelyard.features.media import MediaFeatures
from steelyard.features.schema import Kind
from steelyard.labels import LabelSets, encode_label_sets, encode_labels, holds_label_sets, regression_reason
from steelyard.study import DataFacts, folds_from_column, make_folds

if TYPE_CHECKING:
    import polars as pl

DUPLICATES = ("keep", "group")
TASKS = ("binary", "multiclass", "multilabel")


@dataclass(frozen=True)
class RawTable:
    """A table before anything is made of it.

    Parameters
    ----------
    features : polars.DataFrame
    labels : sequence of shape (n_rows,), or several labels a row
        Raw labels, None or NaN where missing. Several are given as ``encode_label_sets`` takes them, and are encoded
        at once.
    groups, folds, ids : sequence of shape (n_rows,), optional
    path : str
        Where it came from.
    target : str, optional
        Name of the target column.
    task : {"binary", "multiclass", "multilabel"}, optional
        What the user says it is; it is inferred when left out. Numbers that look like a quantity are taken as
        classes only where it is given.
    label_separator : str, optional
        What stands between the labels of a row, where one text names several.
    text : tuple of str
        Columns that hold texts, whatever they look like.
    columns : tuple of str
        Names of all columns, in order, of a file that does not name them.
    tokens : Tokens, optional
        Where the rows are the tokens of sentences.
    roles : dict
        What columns are that are not to be looked at for it: named features, words, paths of files.
    encoder : EncoderFacts, optional
        Frozen model whose embeddings stand for the texts.
    media : MediaFeatures, optional
        How the rows were made from files, where they were.
    warnings : tuple of str
        What is to be said of the source.
    """

    features: pl.DataFrame
    labels: Any
    groups: Any = None
    folds: Any = None
    ids: Any = None
    path: str = "<memory>"
    target: str | None = None
    task: str | None = None
    label_separator: str | None = None
    text: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    tokens: Tokens | None = None
    roles: Mapping[str, Kind] = field(default_factory=dict)
    encoder: EncoderFacts | None = None
    media: MediaFeatures | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise UsageError(f"--task {self.task!r} is not known; it is one of {', '.join(TASKS)}")
        several = self.label_separator is not None or holds_label_sets(self.labels)
        if several and not self.multilabel:
            object.__setattr__(self, "labels", encode_label_sets(self.labels, self.label_separator))
        if self.task == "multilabel" and not self.multilabel:
            raise UsageError(
                "--task multilabel does not fit one label a row: name several columns, separated by commas, or say "
                "with --label-separator what stands between the labels in one"
            )
        if self.multilabel and self.task not in (None, "multilabel"):
            raise UsageError(f"--task {self.task} does not fit: a row may have several labels here")

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return isinstance(self.labels, LabelSets)


@dataclass(frozen=True)
class FoldOptions:
    """How rows are put into folds.

    Parameters
    ----------
    n_folds, repeats, seed : int
    duplicates : {"keep", "group"}, optional
        Whether equal rows share a fold. By default they do where a column with many different numbers makes a
        coincidence unlikely.
    """

    n_folds: int = 5
    repeats: int = 1
    seed: int = 0
    duplicates: str | None = None

    def __post_init__(self) -> None:
        if self.duplicates is not None and self.duplicates not in DUPLICATES:
            raise UsageError(f"--duplicates must be keep or group, not {self.duplicates!r}")
        if self.seed < 0:
            raise UsageError(f"--seed must be 0 or more, not {self.seed}")
        if self.seed >= 2**31:
            raise UsageError(f"--seed must be below {2**31}, not {self.seed}: models take no larger one")


def prepare(table: RawTable, options: FoldOptions) -> tuple[EngineData, DataFacts]:
    """Rows, classes and folds of a study, and what is to be said about them.

    Rows without a label are left out, and said so.

    Raises
    ------
    DataError
        When the labels or the columns cannot be studied.
    UsageError
        When the folds do not fit.
    """
    warnings = list(table.warnings)
    codes: NDArray[Any]
    if table.multilabel:
        codes, classes, kept = checked_label_sets(table.labels, table.features.height, table.target, warnings)
    else:
        codes, classes, kept = _labels(table, warnings)
    for what, given in (("group column", table.groups), ("fold column", table.folds)):
        if given is not None and len(given) != len(kept):
            raise UsageError(f"the {what} has {len(given)} values for {len(kept)} rows")
    # Polars gathers by unsigned positions; a mask keeps it simple.
    features = table.features if kept.all() else table.features.filter(kept)
    # Rows without a label are looked at too, so that an error names the row by its place in the file.
    texts = table.text or (table.media.text_columns if table.media else ())
    schema = TableSchema.infer(table.features, texts, roles=table.roles)
    if table.encoder is not None:
        schema = schema.encoded_by(table.encoder)
    warnings += [sentence[:1].upper() + sentence[1:] for sentence in schema.warnings]
    if not schema.used:
        raise DataError("no column is left to learn from: " + " ".join(schema.warnings or ("there is none",)))
    for name in schema.text:
        empty = int((table.features[name].fill_null("").str.strip_chars() == "").sum())
        if empty:
            warnings.append(f"{empty} text{'s' * (empty > 1)} in {name!r} {'are' if empty > 1 else 'is'} empty.")
    whole = schema.extract(table.features)
    matrix = whole.take(kept)
    codes = codes[kept]
    # A column that only names rows would hide that their texts are the same.
    compared = features.select(schema.used) if schema.text or schema.files else features
    groups = _groups(table, compared, matrix, kept, options, warnings)
    if table.folds is not None:
        if options.repeats != 1:
            raise UsageError("--repeats cannot be used with --fold-column: the folds are given, once")
        folds = folds_from_column(codes, _kept(table.folds, kept))
        alone = 0 if table.multilabel else int((np.bincount(codes)[codes] == 1).sum())
        unassigned = int((folds < 0).sum()) - alone
        if unassigned > 0:
            warnings.append(f"{unassigned} rows name no fold: they are trained on and never scored.")
    else:
        folds = make_folds(codes, options.n_folds, groups=groups, seed=options.seed, repeats=options.repeats)
    said = label_set_warnings if table.multilabel else _class_warnings
    warnings += said(classes, codes, folds)
    ids = None if table.ids is None else tuple("" if value is None else str(value) for value in _kept(table.ids, kept))
    others = None if kept.all() else _unlabelled(table, whole, kept, folds)
    data = EngineData(matrix, schema, codes, classes, folds, options.seed, unlabelled=others)
    warnings += give_away_warnings(data)
    facts = DataFacts(
        table.path,
        table.target,
        np.flatnonzero(kept),
        ids,
        tuple(warnings),
        table.labels.form if table.multilabel else None,
        table.label_separator,
        table.media,
        columns=table.columns,
        lengths=None if table.tokens is None else table.tokens.lengths,
        texts=features[schema.text[0]] if schema.text and table.media is None and table.tokens is None else None,
    )
    return data, facts


def _unlabelled(table: RawTable, whole: TableMatrix, kept: NDArray[np.bool_], folds: NDArray[np.int64]) -> Unlabelled:
    """Rows without a label, each in the fold of the rows that it has its group, or its named fold, in common with."""
    keys = table.groups if table.folds is None else table.folds
    own = np.full((len(folds), int((~kept).sum())), -1, dtype=np.int64)
    if keys is not None:
        fold_of = dict(zip(_kept(keys, kept), folds.T, strict=True))
        for place, key in enumerate(_kept(keys, ~kept)):
            own[:, place] = fold_of.get(key, -1)
    return Unlabelled(whole.take(~kept), own)


def _kept(values: Any, kept: NDArray[np.bool_]) -> list[Any]:
    # One by one: an array would turn the whole numbers of a column with gaps into floats.
    return [value for value, keep in zip(values, kept, strict=True) if keep]


def _labels(table: RawTable, warnings: list[str]) -> tuple[NDArray[np.int64], tuple[object, ...], NDArray[np.bool_]]:
    where = f"the target column {table.target!r}" if table.target else "y"
    encoded = encode_labels(table.labels)
    if len(encoded.codes) != table.features.height:
        raise DataError(f"{where} has {len(encoded.codes)} labels for {table.features.height} rows")
    kept = encoded.codes >= 0
    if not kept.any():
        raise DataError(f"{where} holds no label: all {len(kept)} are missing")
    if len(encoded.classes) < 2:
        raise DataError(f"{where} has one class only, {encoded.classes[0]!r}; at least two are needed")
    reason = regression_reason(encoded) if table.task is None else None
    if reason:
        raise DataError(
            f"{where} looks like a quantity, not a class ({reason}); cut it into classes first, or, "
            "if these numbers are names of classes, say --task multiclass"
        )
    if table.task is not None and (table.task == "binary") != (len(encoded.classes) == 2):
        raise UsageError(f"--task {table.task} does not fit: {where} has {len(encoded.classes)} classes")
    names = [str(label) for label in encoded.classes]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{where} has different labels that read the same: {twice!r}; make them one")
    if not kept.all():
        n = int((~kept).sum())
        warnings.append(
            f"{n} rows have no label: they are never scored, and trained on only where a strategy gives labels."
            if table.tokens is None
            else f"{n} token{'s have' if n > 1 else ' has'} no tag: context, neither trained on nor scored."
        )
    return encoded.codes, encoded.classes, kept


def _groups(
    table: RawTable,
    features: pl.DataFrame,
    matrix: TableMatrix,
    kept: NDArray[np.bool_],
    options: FoldOptions,
    warnings: list[str],
) -> NDArray[np.int64] | None:
    equal = 0 if table.tokens is not None else count_duplicates(features)
    repeating = f"{equal} row{'s repeat' if equal > 1 else ' repeats'} the features of another row"
    if table.groups is not None:
        encoded = encode_labels(table.groups)
        if (encoded.codes[kept] < 0).any():
            raise DataError("the group column has rows without a group; name one for every row")
        # Of files that are copies it was said already, by name.
        if equal and table.media is None:
            warnings.append(f"{repeating}; the given groups decide their folds.")
        return encoded.codes[kept]
    if not equal:
        return None
    grouped = options.duplicates == "group" or (options.duplicates is None and _has_continuous(matrix))
    together = (
        "equal rows are kept in one fold (--duplicates keep to change it)"
        if grouped
        else "they are treated as different cases (--duplicates group keeps equal rows in one fold)"
    )
    warnings.append(f"{repeating}; {together}.")
    return duplicate_groups(features) if grouped else None


def _has_continuous(matrix: TableMatrix) -> bool:
    # Many different values, or texts: two cases that agree on them are more likely one case twice.
    if matrix.text:
        return True
    enough = max(20.0, 0.05 * len(matrix))
    return any(len(np.unique(column)) > enough for column in matrix.numeric.T)


def _class_warnings(classes: tuple[object, ...], codes: NDArray[Any], folds: NDArray[np.int64]) -> list[str]:
    counts = np.bincount(codes, minlength=len(classes))
    n_folds = int(folds.max()) + 1
    unseen = [
        str(name)
        for code, name in enumerate(classes)
        if any(len(np.unique(row[codes == code])) == 1 and row[codes == code][0] >= 0 for row in folds)
    ]
    single = [str(name) for name, n in zip(classes, counts, strict=True) if n == 1]
    few = [str(name) for name, n in zip(classes, counts, strict=True) if 1 < n < n_folds]
    said = []
    if single:
        said.append(f"Trained on but never scored, because they have one row: {listed(single)}.")
    if few:
        said.append(f"Fewer rows than folds, so that some folds have none to score: {listed(few)}.")
    if unseen:
        said.append(f"All rows in one fold, so that no model that scores them has seen the class: {listed(unseen)}.")
    return said
