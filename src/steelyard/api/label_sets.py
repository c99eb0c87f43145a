"""Several labels a row: checked before a study, found again in other tables, set apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import DataError
from steelyard.labels import LabelSets
from steelyard.study import DataFacts


def checked_label_sets(
    labels: LabelSets, n_rows: int, target: str | None, warnings: list[str]
) -> tuple[NDArray[np.float64], tuple[object, ...], NDArray[np.bool_]]:
    """Codes, classes, and the rows of which something is known.

    Raises
    ------
    DataError
        When they do not fit the rows, nothing is known, or there is nothing to tell apart.
    """
    where = f"the target {target!r}" if target else "y"
    if len(labels) != n_rows:
        raise DataError(f"{where} has {len(labels)} rows of labels for {n_rows} rows")
    kept = _any_known(labels)
    if not kept.any() or not len(labels.classes):
        raise DataError(f"{where} holds no label: nothing is known of any of the {n_rows} rows")
    if len(labels.classes) < 2:
        raise DataError(
            f"{where} has one label only, {str(labels.classes[0])!r}; at least two are needed, and one alone is a "
            "column of two classes"
        )
    names = [str(name) for name in labels.classes]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{where} has different labels that read the same: {twice!r}; make them one")
    if not ((labels.codes == 1).any(axis=0) & (labels.codes == 0).any(axis=0)).any():
        raise DataError(f"{where} says nothing: each label has the same value in all rows where it is known")
    said = "they are never scored, and trained on only where a strategy gives labels"
    if not kept.all():
        empty = "an empty text means not known; where it means that a row has no label, write the separator alone"
        hint = f" ({empty})" if labels.form == "list" else ""
        warnings.append(f"{int((~kept).sum())} rows have no known label: {said}{hint}.")
    unknown = float(np.isnan(labels.codes[kept]).mean())
    if unknown:
        warnings.append(f"{unknown:.1%} of the labels are not known: {said}.")
    if labels.form == "list" and (np.nansum(labels.codes, axis=1) <= 1).all():
        warnings.append("No row has more than one label: is the separator the right one?")
    return labels.codes, labels.classes, kept


def label_set_warnings(classes: tuple[object, ...], codes: NDArray[Any], folds: NDArray[np.int64]) -> list[str]:
    """What is to be said about labels with few rows."""
    has, has_not = codes == 1, codes == 0
    rows = np.minimum(has.sum(axis=0), has_not.sum(axis=0))
    n_folds = int(folds.max()) + 1
    same = [_one_value(name, has[:, k].any()) for k, name in enumerate(classes) if rows[k] == 0]
    single = [str(name) for name, n in zip(classes, rows, strict=True) if n == 1]
    few = [str(name) for name, n in zip(classes, rows, strict=True) if 1 < n < n_folds]
    together = [
        str(name)
        for k, name in enumerate(classes)
        if rows[k] > 1
        for side in [has[:, k] if has[:, k].sum() == rows[k] else has_not[:, k]]
        if any(len(np.unique(row[side])) == 1 and row[side][0] >= 0 for row in folds)
    ]
    said = []
    if same:
        said.append(f"Never scored, because a label with one value leaves nothing to learn: {listed(same)}.")
    if single:
        said.append(f"Trained on but never scored, because only one row differs from the others: {listed(single)}.")
    if few:
        said.append(f"Fewer rows than folds, so that some folds have none to score: {listed(few)}.")
    if together:
        said.append(f"All rows in one fold, so that no model that scores them has seen the label: {listed(together)}.")
    return said


def _one_value(name: object, value: bool) -> str:
    return f"{name} (always {int(value)})"


def known_label_sets(labels: Any, classes: tuple[Any, ...], path: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which rows of a table have known labels, and those labels in the order of the classes.

    Raises
    ------
    DataError
        When the table has one label a row, none is known, or a label is none of the classes; it is named.
    """
    if not isinstance(labels, LabelSets):
        raise DataError(f"{path} has one label a row, and the study several; give the labels in the same form")
    position = {str(name): code for code, name in enumerate(classes)}
    unknown = [str(name) for name in labels.classes if str(name) not in position]
    if unknown:
        raise DataError(f"{path} holds the label {unknown[0]!r}, which is none of the study: {listed(list(position))}")
    missing = [name for name in position if name not in {str(found) for found in labels.classes}]
    if missing and labels.form == "columns":
        raise DataError(f"{path} has no column for the label {missing[0]!r}")
    known = _any_known(labels)
    if not known.any():
        raise DataError(f"{path} holds no known label")
    # A label that no list of this table names is one that none of its rows has.
    codes = np.where(known[:, None], np.zeros((len(labels), len(classes))), np.nan)
    codes[:, [position[str(name)] for name in labels.classes]] = labels.codes
    return known, codes[known]


def _any_known(labels: LabelSets) -> NDArray[np.bool_]:
    """Rows of which something is known; an empty list of labels is known too, but says nothing where all are."""
    known: NDArray[np.bool_] = np.any(~np.isnan(labels.codes), axis=1)
    return known


def balanced_label_sets(
    labels: LabelSets, per_label: int, repeated: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Rows to set apart so that each label has at least ``per_label`` of them; rare labels choose first.

    Rows that have several labels count for each of them, so common labels get more.

    Raises
    ------
    DataError
        When a label would be left with fewer than two rows.
    """
    has = labels.codes == 1
    counts = has.sum(axis=0)
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.argsort(counts, kind="stable"):
        if not counts[label]:
            continue
        wanted = per_label - int((chosen & has[:, label]).sum())
        rows = rng.permutation(np.flatnonzero(has[:, label] & ~chosen))
        # Rows whose features no other row has are taken first, so that as few as can be are known to the study.
        chosen[rows[np.argsort(repeated[rows], kind="stable")][: max(wanted, 0)]] = True
    left = counts - (chosen[:, None] & has).sum(axis=0)
    short = [k for k in np.flatnonzero(counts) if left[k] < 2]
    if short:
        raise DataError(
            f"label {str(labels.classes[short[0]])!r} has {counts[short[0]]} rows: too few to set {per_label} of each "
            "label apart and study the rest; ask for fewer, or leave the label out"
        )
    return chosen


def written_info(facts: DataFacts) -> dict[str, Any]:
    """What a trained model keeps of how its table was written: several labels, and columns without names."""
    info: dict[str, Any] = {"columns": list(facts.columns)} if facts.columns else {}
    if facts.lengths is not None:
        info["tokens"] = True
    if facts.label_form is not None:
        info |= {"label_form": facts.label_form, "label_separator": facts.label_separator}
    return info


def listed(names: list[str], most: int = 8) -> str:
    """Names in a row, of many the first."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
