"""Columns that give the target away are named, and honest ones are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from steelyard.api.prepare import FoldOptions, RawTable, prepare
from steelyard.data import read_table, split_columns

TABULAR = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "tabular"
N = 300
RNG = np.random.default_rng(0)
CODES = RNG.permutation(np.repeat([0, 1, 2], [200, 80, 20]))


def named(columns, labels):
    features = pl.DataFrame({"honest": RNG.normal(size=N) + CODES, **columns})
    warnings = prepare(RawTable(features, labels), FoldOptions(n_folds=2))[1].warnings
    return [text for text in warnings if "give the target away" in text]


GIVEN_AWAY = {
    "a copy": CODES,
    "other names": np.array(["x", "y", "z"])[CODES],
    "no order": np.array([7.5, -3.0, 100.0])[CODES],
    "a little noise": CODES + 0.1 * RNG.random(N),
    "two mistakes": np.where(np.arange(N) < 2, 2 - CODES, CODES),
    "several values for a class": np.array([f"{code}{k % 5}" for k, code in enumerate(CODES)]),
}


@pytest.mark.parametrize("what", GIVEN_AWAY)
def test_a_column_made_from_the_target_is_named(what):
    (text,) = named({"leaking": GIVEN_AWAY[what]}, np.array(["a", "b", "c"])[CODES])
    assert "'leaking'" in text
    assert "class of nearly every row" in text


@pytest.mark.parametrize(
    "column",
    [RNG.normal(size=N), CODES + RNG.normal(size=N), RNG.permutation(CODES), np.where(CODES == 2, 1, 0)],
    ids=["noise", "a strong column", "shuffled", "only one class"],
)
def test_an_honest_column_is_not(column):
    assert named({"other": column}, np.array(["a", "b", "c"])[CODES]) == []


def test_the_label_that_is_given_away_is_named():
    Y = pl.DataFrame({name: (k == CODES).astype(int) for k, name in enumerate("abc")})
    (text,) = named({"leaking": np.where(CODES == 1, "yes", "no")}, Y)
    assert "'leaking' alone tells whether a row has b:" in text


def test_too_few_rows_prove_nothing():
    features = pl.DataFrame({"x": [0, 1] * 5, "y": np.arange(10.0)})
    warnings = prepare(RawTable(features, ["a", "b"] * 5), FoldOptions(n_folds=2))[1].warnings
    assert not any("away" in text for text in warnings)


@pytest.mark.parametrize(
    ("name", "target"),
    [("yeast", "class"), ("nursery", "class"), ("sick", "Class"), ("segment0", "class"), ("flare", "Class")],
)
def test_real_tables_are_not_accused(name, target):
    path = TABULAR / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    frame = read_table(path)
    names = {column.lower(): column for column in frame.columns}
    parts = split_columns(frame, names.get(target.lower(), frame.columns[-1]))
    warnings = prepare(RawTable(parts.features, parts.target), FoldOptions(n_folds=2))[1].warnings
    assert not any("away" in text for text in warnings)
