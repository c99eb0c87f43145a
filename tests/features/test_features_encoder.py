from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load, save
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from steelyard.errors import ArtifactError, DataError, UnknownNameError
from steelyard.features.scaling import Scaling
from steelyard.features.table import FittedEncoder, TableEncoder, TableMatrix, TableSchema


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 400
    frame = pl.DataFrame(
        {
            "a": rng.normal(50, 9, n),
            "b": np.where(rng.random(n) < 0.3, np.nan, rng.lognormal(0, 2, n)),
            "c": rng.choice([*"pqrs", "rare"], n, p=[0.4, 0.3, 0.2, 0.095, 0.005]),
            "d": rng.integers(0, 5, n),
            "e": pl.Series(rng.choice(["x", "y", None], n).tolist()),
        }
    )
    return frame, TableSchema.infer(frame)


def test_onehot_agrees_with_scikit_learn(table):
    frame, schema = table
    matrix = schema.extract(frame)
    fold, rest = np.arange(150), np.arange(150, 400)
    fitted = TableEncoder("onehot").fit(matrix.take(fold), schema)
    out = fitted.transform(matrix.take(rest))
    assert out.flags.c_contiguous
    assert out.dtype == np.float64
    assert fitted.feature_names[:4] == ("a", "b", "d", "b (missing)")
    numbers = frame.select("a", "b", "d").to_numpy()
    judge = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit(numbers[fold])
    np.testing.assert_allclose(out[:, :3], judge.transform(numbers[rest]), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(out[:, 3], np.isnan(numbers[rest, 1]))
    for name in "ce":
        values = frame[name].fill_null("(missing)").to_numpy()[:, None]
        kept, counts = np.unique(values[fold], return_counts=True)
        onehot = OneHotEncoder(categories=[kept[counts >= 2]], handle_unknown="ignore", sparse_output=False)
        expected = onehot.fit(values[np.isin(values[:, 0], kept[counts >= 2])]).transform(values[rest])
        spelled = [f"{name} (missing)" if kept == "(missing)" else f"{name}={kept}" for kept in onehot.categories_[0]]
        columns = [fitted.feature_names.index(column) for column in spelled]
        np.testing.assert_array_equal(out[:, columns], expected)
        assert sum(column.startswith((f"{name}=", f"{name} (")) for column in fitted.feature_names) == len(columns)
    assert not fitted.categorical_mask.any()


def test_onehot_columns_come_from_the_fitted_rows_alone():
    frame = pl.DataFrame({"n": [1.0, 3.0, None, 5.0], "c": ["u", "u", "v", None]})
    schema = TableSchema.infer(frame)
    matrix = schema.extract(frame)
    fitted = TableEncoder("onehot").fit(matrix.take([0, 1]), schema)
    assert fitted.feature_names == ("n", "c=u")
    # Mean 2, deviation 1; the missing value becomes the median 2; v and missing are all zeros.
    assert fitted.transform(matrix).tolist() == [[-1, 1], [1, 1], [0, 0], [3, 0]]
    one_missing = TableEncoder("onehot").fit(matrix.take([2, 3]), schema)
    assert one_missing.feature_names == ("n", "n (missing)", "c (missing)")


def test_a_column_constant_or_missing_in_the_fitted_rows_is_zero():
    numeric = np.array([[7.1, np.nan], [7.1, np.nan], [9.0, 4.0]])
    matrix = TableMatrix(numeric, np.zeros((3, 0), dtype=np.int32))
    schema = TableSchema.infer(pl.DataFrame({"a": [1.5, 2.5], "b": [1.5, 3.5]}))
    fitted = TableEncoder("onehot").fit(matrix.take([0, 1]), schema)
    assert fitted.feature_names == ("a", "b", "b (missing)")
    assert fitted.transform(matrix).tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 0]]


def test_huge_and_tiny_values_do_not_overflow():
    column = np.array([1.7e308, -1.7e308, 1.6e308, 1.7e308])
    scaled = Scaling.learn(column[:, None]).transform(column[:, None])[:, 0]
    expected = StandardScaler().fit_transform(column[:, None] / 1e308)[:, 0]
    np.testing.assert_allclose(scaled, expected, rtol=1e-12)
    tiny = np.array([[0.0], [5e-324], [1e-310]])
    assert np.isfinite(Scaling.learn(tiny).transform(np.array([[1.7e308], [-1.7e308], [0.0]]))).all()


@settings(deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(allow_infinity=False)))
def test_any_finite_values_give_finite_numbers(X):
    scaled = Scaling.learn(X).transform(X)
    assert np.isfinite(scaled).all()
    assert np.abs(scaled).max() <= np.sqrt(len(X)) + 1e-6


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2),
        elements=st.one_of(st.just(np.nan), st.integers(-1000, 1000).map(float)),
    )
)
def test_scaling_agrees_with_scikit_learn(X):
    judge = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()).fit_transform(X)
    np.testing.assert_allclose(Scaling.learn(X).transform(X), judge, rtol=1e-9, atol=1e-12)


def test_ordinal_gives_values_and_codes_for_boosting(table):
    frame, schema = table
    matrix = schema.extract(frame.with_columns(c=pl.Series(["new", *frame["c"][1:].to_list()])))
    fitted = TableEncoder("ordinal").fit(matrix, schema)
    out = fitted.transform(matrix)
    assert out.flags.c_contiguous
    assert fitted.feature_names == ("a", "b", "d", "c", "e")
    assert fitted.categorical_mask.tolist() == [False, False, False, True, True]
    np.testing.assert_array_equal(out[:, :3], frame.select("a", "b", "d").to_numpy())
    assert np.isnan(out[0, 3])
    np.testing.assert_array_equal(np.isnan(out[:, 4]), frame["e"].is_null().to_numpy())
    known = [schema.categories[0][int(code)] for code in out[1:, 3]]
    assert known == frame["c"][1:].to_list()
    model = HistGradientBoostingClassifier(categorical_features=fitted.categorical_mask, max_iter=3)
    assert model.fit(out, frame["d"].to_numpy() > 2).predict(out).shape == (400,)


@pytest.mark.parametrize("style", ["onehot", "ordinal"])
def test_state_round_trips_through_json_and_safetensors(table, style):
    frame, schema = table
    matrix = schema.extract(frame)
    fitted = TableEncoder(style).fit(matrix.take(slice(0, 100)), schema)
    meta, arrays = fitted.to_state()
    again = FittedEncoder.from_state(json.loads(json.dumps(meta)), load(save(arrays)))
    assert again.style == style
    assert again.feature_names == fitted.feature_names
    np.testing.assert_array_equal(again.transform(matrix), fitted.transform(matrix))
    np.testing.assert_array_equal(again.categorical_mask, fitted.categorical_mask)


def test_state_of_a_table_without_categories(table):
    frame = pl.DataFrame({"a": [1.0, 2.5]})
    schema = TableSchema.infer(frame)
    fitted = TableEncoder("onehot").fit(schema.extract(frame), schema)
    again = FittedEncoder.from_state(*fitted.to_state())
    assert again.transform(schema.extract(frame)).tolist() == [[-1.0], [1.0]]


@pytest.mark.parametrize("meta", [{}, {"style": "other"}, {"style": "onehot", "feature_names": ["a"]}])
def test_damaged_state(meta):
    with pytest.raises(ArtifactError, match="damaged"):
        FittedEncoder.from_state(meta, {})


def test_unknown_style_and_no_rows(table):
    frame, schema = table
    with pytest.raises(UnknownNameError, match="did you mean 'onehot'"):
        TableEncoder("one_hot")
    with pytest.raises(DataError, match="no rows"):
        TableEncoder().fit(schema.extract(frame).take([]), schema)
