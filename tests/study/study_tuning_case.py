"""A small study that searches, the same in this process and in one that is killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from steelyard.engine import EngineData
from steelyard.features import TableSchema
from steelyard.metrics import get_metric
from steelyard.models import parse_models
from steelyard.strategy import Strategy
from steelyard.study import StudyPlan, make_arms, make_folds
from steelyard.study.tuning import Tuned, Tuning, search_arms


def case(method: str) -> tuple[StudyPlan, EngineData]:
    """Plan of one searched arm that does nothing, and its rows in three folds."""
    rng = np.random.default_rng(3)
    codes = np.repeat([0, 1], [50, 16])
    X = rng.normal(size=(66, 3)) + codes[:, None]
    frame = pl.DataFrame({f"x{i}": column for i, column in enumerate(X.T)})
    schema = TableSchema.infer(frame)
    data = EngineData(schema.extract(frame), schema, codes, ("a", "b"), make_folds(codes, 3), 0)
    arms, _ = make_arms([Strategy()], parse_models("linear(C=?)"))
    return StudyPlan(arms, get_metric("macro_f1"), tuning=Tuning(method, trials=4)), data


def search(method: str, ledger: str | Path | None = None) -> Tuned:
    """The searches of that study's one arm, kept beside a ledger where one is given."""
    plan, data = case(method)
    assert plan.tuning
    found = search_arms(plan.arms, data, plan.metric, plan.tuning, ledger=Path(ledger) if ledger else None)
    return found[plan.arms[0]]
