from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from steelyard.data.table import count_duplicates, duplicate_groups, read_table, split_columns
from steelyard.errors import DataError, UnknownNameError, UsageError

TABLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "tabular"
AS_TEXT = ["007", "NA", "None", "nan", "1.0", "01", "null", "true", "1e5", " x "]


def _write(folder: Path, suffix: str, values: list[str]) -> Path:
    path = folder / f"t{suffix}"
    frame = pl.DataFrame({"id": values, "label": values[::-1]})
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dicts()))
    else:
        frame.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"])
def test_labels_and_ids_stay_the_text_they_are(tmp_path, suffix):
    frame = read_table(_write(tmp_path, suffix, AS_TEXT))
    assert frame["id"].to_list() == AS_TEXT
    assert frame["label"].to_list() == AS_TEXT[::-1]


def test_suffix_in_capitals_and_path_as_text(tmp_path):
    path = tmp_path / "T.CSV"
    path.write_text("a,b\n1,2\n")
    assert read_table(str(path)).rows() == [("1", "2")]


def test_a_missing_file_a_folder_and_an_unknown_suffix(tmp_path):
    with pytest.raises(UsageError, match=r"there is no file .*no\.csv"):
        read_table(tmp_path / "no.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    path = tmp_path / "a.xlsx"
    path.write_text("x")
    with pytest.raises(UsageError, match=r"'\.xlsx'; known: \.csv, \.tsv, \.parquet, \.jsonl, \.ndjson"):
        read_table(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_an_empty_file(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(DataError, match="is empty"):
        read_table(path)


def test_broken_and_empty_parquet(tmp_path):
    path = _write(tmp_path, ".parquet", AS_TEXT)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_table(path)
    pl.DataFrame({"a": []}).write_parquet(path)
    with pytest.raises(DataError, match="no rows"):
        read_table(path)


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"i": [1, None], "f": [1.5, None], "b": [True, False], "l": [["x"], []]})
    frame.write_parquet(path)
    assert read_table(path).equals(frame)


def test_split_columns_gives_each_role_its_column():
    frame = pl.DataFrame({"x": [1], "y": ["a"], "id": ["7"], "g": [0], "k": [3], "z": [2]})
    split = split_columns(frame, "y", id="id", group="g", fold="k")
    assert split.features.columns == ["x", "z"]
    assert split.target.to_list() == ["a"]
    assert split.ids is not None
    assert split.groups is not None
    assert split.folds is not None
    assert (split.ids.to_list(), split.groups.to_list(), split.folds.to_list()) == (["7"], [0], [3])
    assert frame.width == 6


def test_split_columns_names_the_closest_column():
    frame = pl.DataFrame({"income": [1], "age": [2]})
    with pytest.raises(UnknownNameError, match=r"unknown column 'incom': did you mean 'income'\?"):
        split_columns(frame, "incom")
    with pytest.raises(UnknownNameError, match="did you mean 'age'"):
        split_columns(frame, "income", id="aeg")


def test_split_columns_refuses_two_roles_and_no_features():
    frame = pl.DataFrame({"y": [1], "x": [2]})
    with pytest.raises(UsageError, match="'y' cannot be both target and id"):
        split_columns(frame, "y", id="y")
    with pytest.raises(DataError, match="no feature column"):
        split_columns(frame, "y", id="x")


def test_one_column_may_be_id_and_group():
    split = split_columns(pl.DataFrame({"y": [1], "p": ["a"], "x": [2]}), "y", id="p", group="p")
    assert split.features.columns == ["x"]


def test_duplicates_agree_with_pandas():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"first": rng.integers(0, 4, 300), "c": rng.choice([*"abc", None], 300)})
    table["f"] = rng.choice([0.5, np.nan], 300)
    frame = pl.DataFrame({name: table[name].tolist() for name in table}, strict=False)
    assert count_duplicates(frame) == int(table.duplicated().sum()) > 0
    groups = duplicate_groups(frame)
    assert groups.dtype == np.int64
    assert groups.shape == (300,)
    expected = table.groupby(list(table), sort=False, dropna=False).ngroup().to_numpy()
    np.testing.assert_array_equal(groups, expected)


def test_duplicates_of_an_empty_table_and_of_one_row():
    assert duplicate_groups(pl.DataFrame({"a": []})).shape == (0,)
    assert count_duplicates(pl.DataFrame({"a": [1]})) == 0
    assert duplicate_groups(pl.DataFrame({"a": [["x"], ["x"], []]})).tolist() == [0, 0, 1]


@pytest.mark.skipif(not TABLES.exists(), reason="the real tables are not here")
def test_flare_has_the_701_duplicated_rows_it_is_known_for():
    assert count_duplicates(read_table(TABLES / "flare.csv")) == 701


@pytest.mark.skipif(not TABLES.exists(), reason="the real tables are not here")
def test_every_real_table_reads_with_the_counts_of_its_index():
    for entry in json.loads((TABLES / "index.json").read_text()).values():
        split = split_columns(read_table(TABLES / entry["file"]), entry["target"])
        assert split.features.shape == (entry["rows"], entry["features"])
        assert dict(split.target.value_counts().iter_rows()) == entry["counts"]
