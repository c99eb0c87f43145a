from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from steelyard.engine import EngineData
from steelyard.features import TableSchema
from steelyard.study import make_folds


@pytest.fixture
def make_data():
    """Engine data of numeric columns: rows of given class sizes, classes apart by ``signal``."""

    def make(sizes, *, signal=1.0, n_folds=4, seed=0, repeats=1, folds=None):
        rng = np.random.default_rng(seed)
        codes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        X = rng.normal(size=(len(codes), 3))
        X[:, 0] += signal * codes
        frame = pl.DataFrame({f"x{i}": column for i, column in enumerate(X.T)})
        schema = TableSchema.infer(frame)
        made = make_folds(codes, n_folds, seed=seed, repeats=repeats) if folds is None else folds
        classes = tuple("abcdefgh"[: len(sizes)])
        return EngineData(schema.extract(frame), schema, codes, classes, made, seed)

    return make
