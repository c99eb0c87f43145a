"""``steelyard predict``: labels, and probabilities, for new rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from steelyard.errors import OutputExistsError, UnknownNameError, UsageError

if TYPE_CHECKING:
    import polars as pl

WRITERS = (".csv", ".tsv", ".jsonl", ".parquet")


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
) -> int:
    """Predict labels for the rows of a table.

    Example: steelyard predict study/ new_patients.csv --proba --id patient --output predicted.csv

    Parameters
    ----------
    model
        A study's folder or a model directory.
    data
        Table with the training columns, in any order, others beside them.
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
    """
    if output is not None and output.suffix not in WRITERS:
        raise UsageError(f"--output {output.name}: the ending must be one of {', '.join(WRITERS)}")
    if output is not None and output.exists() and not force:
        raise OutputExistsError(f"--output {output} is there already; use --force or name another file")

    import polars as pl

    from steelyard.artifact import load_model
    from steelyard.data import read_table

    trained = load_model(model)
    frame = read_table(data)
    if id_column is not None and id_column not in frame.columns:
        raise UnknownNameError("column", id_column, frame.columns)
    probabilities = trained.predict_proba(frame)
    columns = [pl.Series("row", range(frame.height), dtype=pl.Int64)]
    if id_column is not None:
        # The names of the other columns are taken.
        taken = {"row", "prediction", *(f"p:{name}" for name in trained.classes)}
        columns.append(frame[id_column].alias("id" if id_column in taken else id_column))
    columns.append(pl.Series("prediction", trained.decide(probabilities).tolist()))
    if proba:
        columns += [pl.Series(f"p:{name}", probabilities[:, k]) for k, name in enumerate(trained.classes)]
    _write(pl.DataFrame(columns), output, json_)
    return 0


def _write(table: pl.DataFrame, output: Path | None, as_json: bool) -> None:
    if output is None:
        sys.stdout.write(table.write_json() + "\n" if as_json else table.write_csv())
        return
    from steelyard.files import replacing

    with replacing(output) as temporary:
        if output.suffix == ".parquet":
            table.write_parquet(temporary)
        elif output.suffix == ".jsonl":
            table.write_ndjson(temporary)
        else:
            table.write_csv(temporary, separator="\t" if output.suffix == ".tsv" else ",")
    if as_json:
        print(table.write_json())
