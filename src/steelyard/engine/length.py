"""Whether work is so short that worker processes would still be starting when it is done."""

from __future__ import annotations

import math

from steelyard.engine.data import EngineData
from steelyard.models import Model

#: Seconds of work for which processes are started: about what they take to start.
WORTH_PROCESSES = 4.0


def is_short(model: Model, n_fits: int, data: EngineData, n_rows: int | None = None) -> bool:
    """Whether so many fits of a model, each on at most ``n_rows`` (all) rows, are done before processes had started."""
    columns = _encoded_columns(data)
    each = model.expected_seconds(n_rows or len(data.codes), columns, data.n_classes) if columns else math.inf
    return n_fits * each <= WORTH_PROCESSES


def _encoded_columns(data: EngineData) -> int | None:
    """About as many columns as a table has one-hot; None where texts or files make them."""
    if any(column.kind not in ("numeric", "categorical", "dropped") for column in data.schema.columns):
        return None
    categories = data.matrix.codes.max(axis=0, initial=-1) + 1
    return int(data.matrix.numeric.shape[1] + categories.sum())
