"""``steelyard predict``: labels, and probabilities, for new rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from steelyard.cli.reading import AS_USUAL, Reading
from steelyard.cli.writing import WRITERS, table_writer
from steelyard.errors import OutputExistsError, UnknownNameError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from steelyard.artifact import TrainedModel


def predict(
    model: Path,
    data: Path,
    /,
    *,
    proba: Annotated[bool, Parameter(negative="")] = False,
    id_column: Annotated[str | None, Parameter(name="--id")] = None,
    output: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
    reading: Reading = AS_USUAL,
) -> int:
    """Predict labels for the rows of a table, or for files.

    Where rows may have several labels, they are written as they were for training: a column of 0 and 1 for each, or
    one column with all of them, joined by the separator in .csv and .tsv and a list elsewhere.

    Example: steelyard predict study/ new_patients.csv --proba --id patient --output predicted.csv

    Parameters
    ----------
    model
        A study's folder or a model directory.
    data
        Table with the training columns, in any order, others beside them. Where the model reads one column of texts,
        also a .txt file with a text in each line, or a table that has no other column. For a model of tags a CoNLL
        file, with tags or without, or a .txt file with a sentence in each line. For a model of a collection a file,
        or a folder of files at any depth.
    proba
        Add a column p:<class> for each class.
    id_column
        Column to copy to the output.
    output
        File to write (.csv, .tsv, .jsonl, .parquet); CSV on stdout by default.
    force
        Replace a file that is there.
    json_
        Print JSON on stdout: a list with an object for each row.
    reading
        How the file is read.
    """
    if output is not None and output.suffix not in WRITERS:
        raise UsageError(f"--output {output.name}: the ending must be one of {', '.join(WRITERS)}")
    if output is not None and output.exists() and not force:
        raise OutputExistsError(f"--output {output} is there already; use --force or name another file")

    from steelyard.cli.tables import unlabelled_rows
    from steelyard.cli.tags import predicted_tags
    from steelyard.estimator import load

    trained = load(model)
    if trained.info.get("tokens"):
        tagged = predicted_tags(trained, data, reading, proba=proba)
        with table_writer(output, json_) as writer:
            writer.write(tagged)
        return 0
    portions = unlabelled_rows(trained, data, reading)
    # The first is made before there is an output, so that what cannot be read at all leaves nothing behind.
    frame, files = next(portions)
    joined, row = _is_text(output) and not (json_ and output is None), 0
    table = _table(trained, frame, files, row, id_column, joined, proba)
    with table_writer(output, json_) as writer:
        writer.write(table)
        for frame, files in portions:
            row += table.height
            table = _table(trained, frame, files, row, id_column, joined, proba)
            writer.write(table)
    return 0


def _table(
    trained: TrainedModel, frame: pl.DataFrame, files: list[str] | None, row: int, id_column: str | None,
    joined: bool, proba: bool,
) -> pl.DataFrame:  # fmt: skip
    """What is written for some rows, the first of which has this number."""
    import polars as pl

    if id_column is not None and (files is not None or id_column not in frame.columns):
        raise UnknownNameError("column", id_column, frame.columns)
    probabilities = trained.predict_proba(trained.select(frame))
    columns = [pl.Series("row", range(row, row + frame.height), dtype=pl.Int64)]
    if id_column is not None:
        # The names of the other columns are taken.
        taken = {"row", "prediction", *(f"p:{name}" for name in trained.classes)}
        columns.append(frame[id_column].alias("id" if id_column in taken else id_column))
    if files is not None:
        columns.append(pl.Series("file", files, dtype=pl.String))
    columns += _predicted(trained, probabilities, joined=joined)
    if proba:
        columns += [pl.Series(f"p:{name}", probabilities[:, k]) for k, name in enumerate(trained.classes)]
    return pl.DataFrame(columns)


def _is_text(output: Path | None) -> bool:
    return output is None or output.suffix in (".csv", ".tsv")


def _predicted(trained: TrainedModel, probabilities: NDArray[np.float64], joined: bool) -> list[pl.Series]:
    """The column with the predicted labels; a column for each label where the model was trained on such."""
    import polars as pl

    from steelyard.labels import check_separable
    from steelyard.study.label_sets import label_lists

    predicted = trained.decide(probabilities)
    if not trained.multilabel:
        return [pl.Series("prediction", predicted.tolist())]
    names = [str(name) for name in trained.classes]
    if trained.info.get("label_form") != "list":
        return [pl.Series(f"prediction:{name}", predicted[:, k]) for k, name in enumerate(names)]
    lists = label_lists(predicted, names).alias("prediction")
    if not joined:
        return [lists]
    separator = trained.info.get("label_separator") or "|"
    check_separable(names, separator)
    return [lists.list.join(separator)]
