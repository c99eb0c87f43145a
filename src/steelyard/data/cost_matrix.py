"""Cost matrices in files: a line for each true class, a column for each predicted one."""

from __future__ import annotations

import math
from pathlib import Path

from steelyard.data.table import read_table
from steelyard.errors import DataError


def read_cost_matrix(path: Path) -> dict[str, dict[str, float]]:
    r"""Costs by true and predicted class.

    The first column names the true class, the header the predicted ones. An empty cell is left out, which is fine
    where the prediction is right.

    Parameters
    ----------
    path : Path
        Table of any kind that :func:`read_table` reads.

    Raises
    ------
    DataError
        When a cell is no finite number (line and column are named), or a class has two lines.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "costs.csv"
    ...     _ = path.write_text("true,well,sick\nwell,0,1\nsick,20,\n")
    ...     read_cost_matrix(path)
    {'well': {'well': 0.0, 'sick': 1.0}, 'sick': {'well': 20.0}}
    """
    frame = read_table(path)
    first, *predicted = frame.columns
    costs: dict[str, dict[str, float]] = {}
    for line, row in enumerate(frame.iter_rows(named=True), 2):
        true = str(row[first])
        if true in costs:
            raise DataError(f"{path}, line {line}: class {true!r} has two lines; give each true class one")
        costs[true] = {}
        for name in predicted:
            if row[name] in (None, ""):
                continue
            try:
                costs[true][name] = float(row[name])
            except (TypeError, ValueError):
                costs[true][name] = math.nan
            if not math.isfinite(costs[true][name]):
                raise DataError(f"{path}, line {line}, column {name!r}: {row[name]!r} is not a finite number")
    return costs
